"""The cascade: one engine for the slow path of a run, a second for what happens around it, both with memory.

Scores, with lives on the scales on which their noise is steady (`scales`), are split by smoothing into a slow path and
a residual. The first engine models slow | condition, the second residual | slow, condition; the condition is RUL (where
lives are known), the hour of the day and the discrete states. Both are fitted on rows, as the refined model is. What
makes rows into runs is their noise: real rows are encoded back to noise in time order, the memory of that noise is
fitted (`memory`), and noise with that memory, with enough lives blended with theirs (`blending`), is decoded again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.blending import Donors
from services.refine.augmentation.calibration import Calibration, fit_calibration
from services.refine.augmentation.conditioning import Conditioning
from services.refine.augmentation.exchanging import CANDIDATES, Exchange, fit_exchange
from services.refine.augmentation.history import History, Stretch
from services.refine.augmentation.margins import Margins
from services.refine.augmentation.memory import Memory, fit_memory
from services.refine.augmentation.movement import Movement, fit_movement
from services.refine.augmentation.pace import Pace, fit_paced_memory
from services.refine.augmentation.path_model import PathModel
from services.refine.augmentation.regimes import Levels, find_levels
from services.refine.augmentation.scales import Scales
from services.refine.augmentation.smoothing import centre_and_scale, smoothed
from services.refine.augmentation.trend import Trend, fit_trend
from services.refine.codec import Codec
from services.refine.discrete import Codes
from services.refine.engines import Engine, Layout, Shape, create_engine
from services.refine.training import Rows, Schedule, Training, largest_power_of_two

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

EVALUATIONS = 12
EPOCHS = 30
TRIAL_ROWS = 45_000  # to calibrate by, under the training rows' conditions
RUNS_TO_BALANCE_AGES = 5.0  # times as many runs as sensors: fewer are no average at every age
STEPS = 2400
BATCH = 256  # 512 costs twice as much and gains nothing that outweighs the chance of one fit
LEARNING_RATE = 2e-3
SMOOTHING = 20.0  # standard deviation of the Gaussian in samples, where validation does not choose another (`fitting`)
SERIES_SMOOTHING = 3.0  # continuous series turn faster than lives age (gas turbine, hourly: steps .12 against .18)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Cascade:
    """Both fitted engines with their memories; `generate` turns planned rows into scores."""

    columns: tuple[str, ...]
    conditioning: Conditioning
    slow: Engine | PathModel
    fast: Engine
    slow_memory: Memory
    fast_memory: Memory
    centre: Array
    slow_scale: Array
    fast_scale: Array
    smoothing: float
    resampled: tuple[Floats, ...] = ()  # real slow paths to draw stretches from, where fresh ones cannot be learnt
    donors: Donors | None = None  # lives that lead runs, where there are enough
    mixing: float = 0.0  # share of variance of a run's slow latent that comes from the life that leads it
    margins: Margins | None = None
    levels: Levels | None = None  # of the states, where sensors jump between states
    slow_trend: Trend | None = None  # of the slow latent with remaining life
    fast_trend: Trend | None = None
    scales: Scales | None = None  # on which slow path and residual are split; None: on normal scores
    slow_calibration: Calibration | None = None
    fast_calibration: Calibration | None = None
    pace: Pace | None = None  # of whole lives: the clock of the slow memory
    movement: Movement | None = None  # within recording windows, where lives are seen through such
    exchange: Exchange | None = None  # of whole lives: by which a batch's mixture of them is chosen

    def generate(
        self,
        lengths: Sequence[int],
        rul: Array | None,
        hour: Array | None,
        codes: Codes,
        keep: NDArray[np.bool_],
        seed: int,
        windows: Sequence[int] | None = None,
    ) -> Floats:
        """Returns scores (kept rows, C) of runs with these lengths; the other arguments are for all rows, run by run.

        Every row has its place in the run's memory, but only rows with `keep` are decoded. `windows` are the lengths of
        unbroken pieces, where runs have pauses.
        """
        rng = np.random.default_rng([seed, 11])
        conditions = self.conditioning.columns(rul, hour, codes)[keep]
        slow = self._slow(lengths, rul, conditions, keep, rng)
        if self.movement is not None and rul is not None:
            window = np.repeat(np.arange(len(windows or lengths)), windows or lengths)[keep]
            kept = np.bincount(window, minlength=len(windows or lengths))
            slow = self.movement.applied(slow, kept.tolist(), rul[keep])
        residual = self._fast(lengths, rul, conditions, slow, keep, rng)
        scores = np.asarray(slow * self.slow_scale + self.centre + residual * self.fast_scale, np.float32)
        if self.levels is not None:
            scores = self.levels.restored(scores, codes[keep])
        scores = scores if self.scales is None else self.scales.back(scores)
        return scores if self.margins is None else self.margins.applied(scores)

    def _slow(
        self,
        lengths: Sequence[int],
        rul: Array | None,
        conditions: Floats,
        keep: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> Floats:
        if self.resampled:
            return self._resampled(lengths, rng)[keep]
        calibration, exchange = self.slow_calibration, self.exchange
        many = len(lengths) >= RUNS_TO_BALANCE_AGES * len(self.columns)
        if calibration is None or rul is None or not (many and keep.all()):
            slow = self.slow.decode(self._slow_noise(lengths, rul, rng)[keep], conditions, evaluations=EVALUATIONS)
            return _applied(calibration, slow, rul, keep)
        candidates = []
        for _ in range(1 if exchange is None else CANDIDATES):
            slow = self.slow.decode(self._slow_noise(lengths, rul, rng), conditions, evaluations=EVALUATIONS)
            candidates.append(calibration.of_batch(slow, rul).applied(slow, rul))
        if exchange is None:
            return candidates[0]
        slow = exchange.chosen(candidates, lengths)
        return calibration.of_batch(slow, rul).applied(slow, rul)

    def _fast(
        self,
        lengths: Sequence[int],
        rul: Array | None,
        conditions: Floats,
        slow: Floats,
        keep: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> Floats:
        noise = _restored(self.fast_memory.draw_runs(lengths, rng), self.fast_trend, rul)
        residual = self.fast.decode(noise[keep], np.concatenate([conditions, slow], 1), evaluations=EVALUATIONS)
        return _applied(self.fast_calibration, residual, rul, keep)

    def calibrated(
        self, train: Sequence[Stretch], slow: Floats, fast: Floats, seed: int, *, windows: bool = False
    ) -> Cascade:
        """Returns the cascade with `slow` and `fast` of the training stretches as the measure of its own; they are
        `windows` where lives were seen through such."""
        ends = np.cumsum([len(stretch) for stretch in train])
        chosen = train[: int(np.searchsorted(ends, TRIAL_ROWS)) + 1]
        rows = int(ends[len(chosen) - 1])
        trials = max(1, round(TRIAL_ROWS / rows)) * list(chosen)
        lengths = [len(stretch) for stretch in trials]
        own, rul, hour = (
            _joined(parts) for parts in ([s.rul for s in chosen], [s.rul for s in trials], [s.hour for s in trials])
        )
        codes = np.concatenate([stretch.codes for stretch in trials])
        numbers = {run: number for number, run in enumerate({stretch.run for stretch in chosen})}
        run = np.repeat([numbers[stretch.run] for stretch in chosen], [len(stretch) for stretch in chosen])
        conditions, every = self.conditioning.columns(rul, hour, codes), np.ones(len(codes), dtype=bool)
        rng = np.random.default_rng([seed, 13])
        path = self._slow(lengths, rul, conditions, every, rng)
        found = None if self.resampled else fit_calibration(path, rul, slow[:rows], own, run)
        path = _applied(found, path, rul, every)
        movement = None
        if windows and rul is not None and own is not None:
            movement = fit_movement(path, slow[:rows], [len(stretch) for stretch in chosen], own)
        if movement is not None and rul is not None:
            path = movement.applied(path, lengths, rul)
        residual = self._fast(lengths, rul, conditions, path, every, rng)
        around = fit_calibration(residual, rul, fast[:rows], own, run)
        exchange = None
        if own is not None and not windows and not self.resampled:
            noise = (self.fast_scale / self.slow_scale) ** 2 * fast.var(0)
            exchange = fit_exchange(slow, [len(stretch) for stretch in train], np.asarray(noise, np.float64))
        return replace(self, slow_calibration=found, fast_calibration=around, movement=movement, exchange=exchange)

    def slow_path(self, scores: Floats) -> Floats:
        """Returns the smoothed scores of one run, on the cascade's scales."""
        return smoothed(scores if self.scales is None else self.scales.of(scores), self.smoothing)

    def _slow_noise(self, lengths: Sequence[int], rul: Array | None, rng: np.random.Generator) -> Floats:
        if self.pace is None or rul is None:
            noise = self.slow_memory.draw_runs(lengths, rng)
        else:
            noise = self.pace.drawn(self.slow_memory, lengths, rul, rng)
        if self.donors is not None and self.mixing:
            noise = self.donors.blended(noise, lengths, self.mixing, rng)
        noise = self.slow_memory.balanced(noise, len(lengths))
        return _restored(noise, self.slow_trend, rul)

    def _resampled(self, lengths: Sequence[int], rng: np.random.Generator) -> Floats:
        """Returns real slow paths: a random place of one for each run, there and back where too short."""
        total = np.array([len(path) for path in self.resampled], float)
        runs = []
        for length in lengths:
            path = self.resampled[int(rng.choice(len(total), p=total / total.sum()))]
            there_and_back = np.concatenate([path, path[::-1]])
            start = int(rng.integers(0, max(1, len(path) - length + 1)))
            runs.append(there_and_back[(start + np.arange(length)) % len(there_and_back)])
        return np.concatenate(runs)


def fit_cascade(
    history: History,
    codec: Codec,
    kind: str,
    *,
    seed: int = 0,
    smoothing: float = 0.0,
    resample_slow: bool = False,
    mixing: float = 0.0,
    scales: Scales | None = None,
    progress: Progress | None = None,
) -> Cascade:
    """Returns the cascade fitted on the history's training stretches; `kind` ("flow", "tvae") models the residual.

    `scales` are those on which to split slow from fast, None for normal scores; with `mixing` lives are kept to blend.
    Validation stretches choose the best epoch; without any, a tenth of the training rows (whole stretches) do.
    """
    smoothing = smoothing or (SMOOTHING if history.has_lives else SERIES_SMOOTHING)
    conditioning = Conditioning.of(history, codec)
    train, held, levels = _levelled(history, scales)
    paths = [smoothed(stretch.scores, smoothing) for stretch in train]
    residuals = [stretch.scores - path for stretch, path in zip(train, paths, strict=True)]
    centre, slow_scale = centre_and_scale(paths)
    _, fast_scale = centre_and_scale(residuals)
    held_paths = [smoothed(stretch.scores, smoothing) for stretch in held]

    def rows(stretches: Sequence[Stretch], slow_paths: Sequence[Floats]) -> tuple[Rows, Rows]:
        conditions = np.concatenate([conditioning.columns(s.rul, s.hour, s.codes) for s in stretches])
        slow = ((np.concatenate(slow_paths) - centre) / slow_scale).astype(np.float32)
        residual = np.concatenate([s.scores - p for s, p in zip(stretches, slow_paths, strict=True)]) / fast_scale
        seen = np.concatenate([s.observed for s in stretches])
        fast = np.where(seen, residual, np.nan).astype(np.float32)
        codes = np.concatenate([s.codes for s in stretches])[:, : len(codec.discrete.names)]
        weights = codec.discrete.tempered_weights(codes)
        return Rows(slow, conditions, weights), Rows(fast, np.concatenate([conditions, slow], 1), weights)

    slow_rows, fast_rows = rows(train, paths)
    slow_held, fast_held = rows(held, held_paths)
    columns = history.columns
    slow_names = tuple(f"slow:{name}" for name in columns)
    shape = Shape(width=128, depth=3, latent=max(4, min(16, len(columns))))
    slow_layout = Layout(slow_names, conditioning.names)
    slow: Engine | PathModel
    if history.has_lives:
        slow = PathModel.fit(slow_rows.scores, slow_rows.conditions, conditioning.names)
    else:  # paths that are not tied to an age: whatever moves them is in the latent, and the flow keeps it smoother
        slow = create_engine("flow", slow_layout, shape, seed=seed)
        _train(slow, slow_rows, slow_held, STEPS, seed, "fit slow path", progress)
    fast = create_engine(kind, Layout(columns, (*conditioning.names, *slow_names)), shape, seed=seed + 1)
    _train(fast, fast_rows, fast_held, STEPS, seed + 1, "fit residual", progress)
    bounds = np.cumsum([0, *(len(stretch) for stretch in train)])
    filled = Rows(np.asarray(np.concatenate(residuals) / fast_scale, np.float32), fast_rows.conditions)
    slow_latent, slow_trend = _latent(slow, slow_rows, train, bounds)
    fast_latent, fast_trend = _latent(fast, filled, train, bounds)
    lives = [] if history.sparse else [stretch.rul for stretch in train if stretch.rul is not None]
    slow_memory, pace = fit_paced_memory(slow_latent, lives, whiten=history.has_lives, periods=history.periods)
    cascade = Cascade(
        columns=columns,
        conditioning=conditioning,
        slow=slow,
        fast=fast,
        slow_memory=slow_memory,
        fast_memory=fit_memory(
            fast_latent, whiten=True, periods=() if history.has_lives else history.periods, above=smoothing
        ),
        centre=centre,
        slow_scale=slow_scale,
        fast_scale=fast_scale if scales is None else scales.before_rounding(fast_scale),
        smoothing=smoothing,
        resampled=tuple(((p - centre) / slow_scale).astype(np.float32) for p in paths) if resample_slow else (),
        donors=_donors(slow_latent, train) if mixing and slow_trend is not None else None,
        mixing=mixing,
        levels=levels,
        slow_trend=slow_trend,
        fast_trend=fast_trend,
        scales=scales,
        pace=pace,
    )
    return cascade.calibrated(train, slow_rows.scores, filled.scores, seed, windows=history.sparse)


def _levelled(history: History, scales: Scales | None) -> tuple[list[Stretch], list[Stretch], Levels | None]:
    """Returns training and validation stretches on the scales and above their states' levels, and these levels."""
    train, held = history.with_validation()
    if scales is not None:
        train, held = ([replace(s, scores=scales.of(s.scores)) for s in part] for part in (train, held))
    levels = find_levels([(stretch.scores, stretch.codes) for stretch in train])
    if levels is not None:
        train, held = ([replace(s, scores=levels.removed(s.scores, s.codes)) for s in part] for part in (train, held))
    return list(train), list(held), levels


def _train(
    engine: Engine, rows: Rows, held: Rows, steps: int, seed: int, phase: str, progress: Progress | None
) -> None:
    batch = min(BATCH, largest_power_of_two(max(16, len(rows) // 8)))
    plan = Schedule(EPOCHS, batch, max(1, steps // EPOCHS), learning_rate=LEARNING_RATE, patience=EPOCHS)
    training = Training(engine, rows, held, plan, seed=seed)
    for result in training.epochs():
        if progress is not None:
            progress(phase, result.epoch, EPOCHS)
    training.finish()


def _latent(
    engine: Engine | PathModel, rows: Rows, stretches: Sequence[Stretch], bounds: NDArray[np.int64]
) -> tuple[list[Floats], Trend | None]:
    """Returns the latent of each stretch, and its trend with remaining life, which has been removed from it."""
    latent = engine.encode(rows.scores, rows.conditions, evaluations=20)
    rul = [stretch.rul for stretch in stretches if stretch.rul is not None]
    trend = fit_trend(latent, np.concatenate(rul)) if rul else None
    if trend is not None:
        latent = trend.removed(latent, np.concatenate(rul))
    return [latent[first:last] for first, last in pairwise(bounds)], trend


def _applied(calibration: Calibration | None, rows: Floats, rul: Array | None, keep: NDArray[np.bool_]) -> Floats:
    return rows if calibration is None else calibration.applied(rows, None if rul is None else rul[keep])


def _joined(parts: Sequence[Array | None]) -> Array | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _restored(noise: Floats, trend: Trend | None, rul: Array | None) -> Floats:
    return noise if trend is None or rul is None else trend.restored(noise, rul)


def _donors(latent: Sequence[Floats], stretches: Sequence[Stretch]) -> Donors | None:
    """Returns the slow latents of the runs that were seen in one stretch down to its end; None without any."""
    counts = Counter(stretch.run for stretch in stretches)
    whole = [run for run, stretch in zip(latent, stretches, strict=True) if counts[stretch.run] == 1]
    return Donors.of(whole)
