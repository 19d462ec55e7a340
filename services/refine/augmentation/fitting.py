"""Fitting a generator of runs: the cascade, with its settings chosen on validation stretches.

Chosen are where slow ends and fast begins (the smoothing width) and how much of each synthetic life's slow path comes
from the real life that leads it. The usual settings stand unless validation says that others are clearly better:
validation runs are few, and a close race decides nothing. The lead is further bounded by how near trial runs come to
training runs. Where validation rows are too few to choose by, the usual settings are taken. Once they are chosen, the
generator is fitted with them on training and validation rows together (Hastie et al. 2009, 7.10): lives are too few to
leave any out. Test rows are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.cascade import SERIES_SMOOTHING, SMOOTHING, Cascade, Progress, fit_cascade
from services.refine.augmentation.history import History
from services.refine.augmentation.judging import Judge, Verdict
from services.refine.augmentation.lives import plan_runs
from services.refine.augmentation.margins import Margins
from services.refine.augmentation.quality import CLOSE_SHARE_LIMIT, nearest_to_training
from services.refine.augmentation.scales import Scales, fit_scales
from services.refine.codec import Codec

LIFE_WIDTHS = (9.0, SMOOTHING)
SERIES_WIDTHS = (SERIES_SMOOTHING, 9.0)
LIFE_SHARE, LONGEST_WIDTH = 0.1, 60.0  # a tenth of the median life is tried too, where it is longer
CLEARLY = 0.1  # of a verdict's score: two draws from one cascade differ by as much (C-MAPSS, 14 validation runs)
MIXINGS = (0.0, 0.25, 0.4, 0.55, 0.7)
USUAL_MIXING = 0.55
FEWEST_DONORS = 20  # lives: fewer cannot hide one another (C-MAPSS with ten: half the runs come too near)
_PILOT_RUNS, _PILOT_ROWS = 40, 12_000
_DRIFT = 0.8  # normal scores between the first and the last third of a single series
_DRIFTING_SHARE = 0.25


@dataclass(frozen=True)
class Fitted:
    """A cascade, whether its slow path is resampled, and the verdict of each setting tried, by its name."""

    cascade: Cascade
    resampled: bool
    widths: dict[float, Verdict] = field(default_factory=dict)
    mixings: dict[float, Verdict] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns what was chosen from what, by which scores (lower is better; empty: not enough validation rows)."""
        return {
            "width": self.cascade.smoothing,
            "width_scores": {f"{width:g}": verdict.score for width, verdict in self.widths.items()},
            "mixing": self.cascade.mixing,
            "mixing_scores": {f"{mixing:g}": verdict.score for mixing, verdict in self.mixings.items()},
        }


def fit_generator(
    history: History,
    codec: Codec,
    kind: str,
    *,
    whole: History | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Fitted:
    """Returns the generator of runs with settings chosen on `history` and fitted on `whole`, which has its validation
    rows among its training rows (None: on `history`); `kind` ("flow", "tvae") is the engine of the residual."""
    resample = _drifts(history)
    judge = None if resample else Judge.of(history, _scales(history, codec))
    usual = SMOOTHING if history.has_lives else SERIES_SMOOTHING
    width, mixing = usual, _usual_mixing(whole or history)
    widths: dict[float, Verdict] = {}
    mixings: dict[float, Verdict] = {}
    cascade: Cascade | None = None
    if judge is not None:
        tried = {
            width: _fitted(history, codec, kind, width, _usual_mixing(history), resample, seed, progress)
            for width in _widths(history)
        }
        widths = {width: judge.verdict(cascade, seed) for width, cascade in tried.items()}
        width = _chosen(widths, usual)
        cascade, mixings = _mixed(tried[width], history, judge, seed)
        mixing = cascade.mixing
    if cascade is None or whole is not None:
        cascade = _fitted(whole or history, codec, kind, width, mixing, resample, seed, progress)
        cascade, _ = _mixed(cascade, whole or history, None, seed)
    if not history.has_lives:
        cascade = _with_margins(cascade, whole or history, seed)
    return Fitted(cascade, resample, widths, mixings)


def _scales(history: History, codec: Codec) -> Scales | None:
    """Returns the scales of lives; series turn where their sensors saturate and rest, which normal scores show better
    (gas turbine)."""
    if not history.has_lives:
        return None
    return fit_scales([codec.scores_of(name) for name in history.columns], [s.scores for s in history.stretches])


def _fitted(
    history: History,
    codec: Codec,
    kind: str,
    width: float,
    mixing: float,
    resample: bool,
    seed: int,
    progress: Progress | None,
) -> Cascade:
    return fit_cascade(
        history,
        codec,
        kind,
        seed=seed,
        smoothing=width,
        resample_slow=resample,
        mixing=mixing,
        scales=_scales(history, codec),
        progress=progress,
    )


def _widths(history: History) -> tuple[float, ...]:
    if not history.has_lives:
        return SERIES_WIDTHS
    longer = min(LONGEST_WIDTH, LIFE_SHARE * float(np.median([len(stretch) for stretch in history.stretches])))
    return (*LIFE_WIDTHS, longer) if longer > 1.4 * SMOOTHING else LIFE_WIDTHS


def _chosen(verdicts: dict[float, Verdict], usual: float) -> float:
    """Returns the setting with the best score, the usual one if no other is clearly better."""
    if not verdicts:
        return usual
    best = min(verdicts, key=lambda setting: verdicts[setting].score)
    return best if verdicts[best].score < verdicts[usual].score - CLEARLY else usual


def _usual_mixing(history: History) -> float:
    """Returns the usual share of a real slow path, 0 with few lives: it makes runs truer and less new."""
    return USUAL_MIXING if len(history.lives) >= FEWEST_DONORS and not history.sparse else 0.0


def _mixed(cascade: Cascade, history: History, judge: Judge | None, seed: int) -> tuple[Cascade, dict[float, Verdict]]:
    """Returns the cascade with the share of real slow paths that validation prefers among those that are new enough."""
    usual = cascade.mixing
    if cascade.donors is None:
        return replace(cascade, mixing=0.0), {}
    allowed = [share for share in MIXINGS if share == 0 or _new_enough(replace(cascade, mixing=share), history, seed)]
    usual = max(share for share in allowed if share <= usual)
    verdicts: dict[float, Verdict] = {}
    if judge is not None and len(allowed) > 1:
        verdicts = {share: judge.verdict(replace(cascade, mixing=share), seed) for share in allowed}
    chosen = _chosen(verdicts, usual)
    return replace(cascade, mixing=chosen, donors=cascade.donors if chosen else None), verdicts


def _new_enough(cascade: Cascade, history: History, seed: int) -> bool:
    """Whether trial runs stay as far from training runs as these from each other.

    Half the gate's limit is asked for, so that other runs than the trial's will pass it.
    """
    trial = _trial(cascade, history, int(_PILOT_RUNS * np.median(history.lengths)), seed)
    near = nearest_to_training(history, cascade, trial)
    return near is not None and near.close_share <= CLOSE_SHARE_LIMIT / 2


def _with_margins(cascade: Cascade, history: History, seed: int) -> Cascade:
    """Returns the cascade with the training rows' margins, which two engines in a row would otherwise blur.

    For series only: with lives the margins of a trial depend on which lifetimes it drew, and correcting for that bends
    the end of life.
    """
    trial = np.concatenate(_trial(cascade, history, _PILOT_ROWS, seed))
    real = np.concatenate([stretch.scores for stretch in history.stretches])
    return replace(cascade, margins=Margins.of(trial, real))


def _trial(cascade: Cascade, history: History, rows: int, seed: int) -> list[NDArray[np.float32]]:
    """Returns the scores of runs that are looked at and thrown away."""
    plan = plan_runs(history, rows, seed=seed + 1)
    keep = np.ones(plan.rows, dtype=bool)
    scores = cascade.generate(plan.lengths, plan.rul, plan.hour, plan.codes, keep, seed + 1, plan.windows)
    return np.split(scores, np.cumsum(plan.lengths)[:-1])


def _drifts(history: History) -> bool:
    """Whether the rows are one record whose slow path moves one way, which cannot be generated afresh."""
    if history.has_lives or len({stretch.run for stretch in history.stretches}) > 2:
        return False
    scores = np.concatenate([stretch.scores for stretch in history.stretches])
    third = len(scores) // 3
    drift = np.abs(scores[:third].mean(0) - scores[-third:].mean(0))
    return bool((drift > _DRIFT).mean() >= _DRIFTING_SHARE)
