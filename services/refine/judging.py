"""The judge: which candidate is chosen, how sure that is, and how near its samples come to real rows.

Trained candidates of one refinement share codec and frame, so their losses on the same real rows can be compared row by
row. The lowest mean wins; its lead over another one is given with its standard error. Few rows are a bad judge: below
1,000, where a lead is within chance, the candidates are also trained on less and judged on what was held out, several
times, and all rows' losses count together. The winner must then not lose to the control, whose loss means something
else, in a score that samples alone decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from services.refine.candidates import SPOKEN, Candidate
from services.refine.energy import EnergySpace, energy_distance, mean_distance
from services.refine.material import Material
from services.refine.model import Model
from services.refine.training import MOST_VALIDATION_ROWS

JUDGED_ROWS = 3000  # sampled for a candidate's energy distance
SCORED_ROWS = 2000  # sampled for the energy scores
LEAST_VARIANCE = 1e-4
JUDGED_DRAWS = 8192  # rows x draws behind a candidate's loss
LEAST_DRAWS = 4
DECIDED = 3.0  # standard errors of a lead: rows of one run resemble each other, so two would be too few

Losses = NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """A candidate as a model, with its scores on real validation rows (smaller is better for both)."""

    candidate: Candidate
    model: Model
    energy_distance: float
    row_losses: Losses

    @property
    def validation_loss(self) -> float:
        """Mean loss of the validation rows."""
        return float(self.row_losses.mean())


@dataclass(frozen=True)
class Lead:
    """By how much another candidate's score exceeds the best one's, with the standard error over rows."""

    name: str
    mean: float
    error: float

    @classmethod
    def over(cls, name: str, other: Losses, best: Losses) -> Lead:
        """Returns the lead of `best` over `other`, both one score a row (n,)."""
        lead = other - best
        return cls(name, float(lead.mean()), float(lead.std() / np.sqrt(len(lead))))

    def to_json(self) -> dict[str, Any]:
        return {"over": self.name, "mean": self.mean, "standard_error": self.error}

    @property
    def decided(self) -> bool:
        return self.mean >= DECIDED * self.error


@dataclass(frozen=True)
class Choice:
    """The candidate with the lowest mean loss, and its leads. `hold_outs` are those beside the validation rows."""

    name: str
    losses: Mapping[str, float]
    leads: tuple[Lead, ...]
    validation_rows: int
    held_out_rows: int = 0
    hold_outs: int = 0
    over_control: Lead | None = None

    @property
    def decided(self) -> bool:
        """Whether every lead is larger than chance."""
        return all(lead.decided for lead in self.leads)

    @property
    def why(self) -> str:
        """The reason in a sentence or two."""
        control = self.over_control
        if control is None:
            return self._why_trained
        lead = f"by {abs(control.mean):.4f} ± {control.error:.4f} in the energy score"
        if self.lost:
            return f"The control comes nearer to the validation rows than {_spoken(self.name)} {lead}, so it is kept."
        nearer = "nearer to" if control.mean > 0 else "no farther from"
        return f"{self._why_trained} Its samples come {nearer} the validation rows than the control's, {lead}."

    @property
    def chosen(self) -> str:
        """The candidate that becomes the model: the winner, unless it loses to the control."""
        return "control" if self.lost else self.name

    @property
    def lost(self) -> bool:
        """Whether the control is nearer by more than the standard error; nearer by less is a tie, which training wins:
        the score hears less of the dependence, in which a control is poor, than of the margins, in which it is perfect.
        """
        return self.over_control is not None and self.over_control.mean < -self.over_control.error

    @property
    def _why_trained(self) -> str:
        if not self.leads:
            return f"{_spoken(self.name).capitalize()} was the only candidate that was trained."
        rows = f"{self.validation_rows:,} real validation rows"
        if self.hold_outs:
            times = "a hold-out" if self.hold_outs == 1 else f"{self.hold_outs} hold-outs"
            rows += f" and {self.held_out_rows:,} rows of {times}"
        name = _spoken(self.name).capitalize()
        leads = " and ".join(f"{_spoken(lead.name)} by {lead.mean:.4f} ± {lead.error:.4f}" for lead in self.leads)
        if all(lead.mean >= 0 for lead in self.leads):
            return f"{name} has the lowest loss on {rows}; it leads {leads}."
        ahead = " and ".join(_spoken(lead.name) for lead in self.leads if lead.mean < 0)
        return f"{name} is chosen on {rows}: the lead of {ahead} is within chance, and more rows are no gain then."

    def to_json(self) -> dict[str, Any]:
        return {
            "chosen": self.chosen,
            "method": "validation and repeated hold-outs" if self.hold_outs else "validation",
            "validation_rows": self.validation_rows,
            "held_out_rows": self.held_out_rows,
            "hold_outs": self.hold_outs,
            "losses": dict(self.losses),
            "leads": [lead.to_json() for lead in self.leads],
            "decided": self.decided,
            "over_control": None if self.over_control is None else self.over_control.to_json(),
        }


def _spoken(name: str) -> str:
    return SPOKEN.get(name, name)


def choose(
    validation: Mapping[str, Losses], hold_outs: Sequence[Mapping[str, Losses]] = (), *, last_resort: str = ""
) -> Choice:
    """Returns the choice among the candidates of `validation` (name -> one loss a row), earlier ones first in a tie.

    The candidate `last_resort` wins only where its lead over every other one is larger than chance.
    """
    pooled = {name: np.concatenate([own, *(held[name] for held in hold_outs)]) for name, own in validation.items()}

    def leads_of(best: str) -> tuple[Lead, ...]:
        return tuple(Lead.over(name, losses, pooled[best]) for name, losses in pooled.items() if name != best)

    ranked = sorted(pooled, key=lambda name: float(pooled[name].mean()))
    best = ranked[0]
    if best == last_resort and not all(lead.decided for lead in leads_of(best)):
        best = ranked[1]
    rows = len(validation[best])
    means = {name: float(losses.mean()) for name, losses in pooled.items()}
    return Choice(best, means, leads_of(best), rows, len(pooled[best]) - rows, len(hold_outs))


def row_losses(candidate: Candidate) -> Losses:
    """Returns one loss a row of the rows that the candidate is judged on, (n,); the same draws for every candidate."""
    rows = candidate.validation if candidate.judged is None else candidate.judged
    rows = rows.chosen(np.arange(min(len(rows), MOST_VALIDATION_ROWS)))
    draws = max(LEAST_DRAWS, JUDGED_DRAWS // len(rows))
    return candidate.engine.row_losses(rows.scores, rows.conditions, draws=draws, seed=1)


class Judge:
    """Measures samples against real validation rows, for every model of a refinement in the same spaces."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._space = EnergySpace.of(material.codec, material.real)
        self._validation = self._space.place(material.validation)
        self._frame = _frame(material.encoded.scores)
        scores = material.validation_rows(material.layout).scores[:JUDGED_ROWS]
        self._framed_validation = np.nan_to_num(scores) @ self._frame

    def distance(self, model: Model, rows: int = JUDGED_ROWS) -> float:
        """Returns the energy distance of so many sampled rows to the real validation rows."""
        return energy_distance(self._space.place(model.sample(rows, seed=self._material.seed)), self._validation)

    def farness(self, model: Model) -> Losses:
        """Returns the energy score of each validation row (m,): how far it is from samples, less how far these are from
        each other; the lower, the better (Gneiting & Raftery 2007). Asks nothing of the engine but samples.

        Taken in the framed scores, where a dependence that is not met shows: margins of a control are right anyway.
        """
        sampled, _ = model.sample_encoded(SCORED_ROWS, seed=self._material.seed)
        framed = sampled @ self._frame
        return np.asarray(cdist(framed, self._framed_validation).mean(0) - mean_distance(framed) / 2, np.float64)

    @cached_property
    def base_distance(self) -> float | None:
        """Energy distance of the base as it stands, or None without a base."""
        base = self._material.base
        return None if base is None else max(1e-12, self.distance(base))

    def percent(self, distance: float) -> float | None:
        """Returns by how many percent `distance` is smaller than the base's as it stands, or None without a base."""
        return None if self.base_distance is None else 100 * (1 - max(0.0, distance) / self.base_distance)

    def improvement(self, best: Judgement) -> dict[str, Any]:
        """Returns by how many percent the chosen model is nearer to real validation rows than the base as it stands."""
        real = self._space.place(self._material.real)
        return {
            "metric": "energy distance of sampled rows to real validation rows, columns scaled by real-train std",
            "base": self.base_distance,
            "refined": max(0.0, best.energy_distance),
            "real_training_rows": max(0.0, energy_distance(real, self._validation)),
            "percent": self.percent(best.energy_distance),
        }


def _frame(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns a matrix (C, C) that widens the directions in which real scores hardly vary; a column without any value
    is left out (zero)."""
    known = ~np.isnan(scores).all(0)
    frame = np.zeros((scores.shape[1], scores.shape[1]))
    covariance = np.atleast_2d(np.cov(np.nan_to_num(scores[:, known]), rowvar=False))
    share = min(1.0, known.sum() / len(scores))
    variances, directions = np.linalg.eigh((1 - share) * covariance + share * np.eye(len(covariance)))
    # A quarter root tells a control from a refined model better than full whitening does, which noise dominates.
    frame[np.ix_(known, known)] = (directions * np.maximum(variances, LEAST_VARIANCE) ** -0.25) @ directions.T
    return frame
