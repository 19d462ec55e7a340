"""The parts of training.json: curves, candidates and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.refine.candidates import Candidate
from services.refine.model import Model
from services.refine.training import EpochResult


@dataclass(frozen=True)
class Judgement:
    """A candidate as a model, with its scores on real validation rows (smaller is better for both)."""

    candidate: Candidate
    model: Model
    energy_distance: float
    row_losses: NDArray[np.float64]

    @property
    def validation_loss(self) -> float:
        """Mean loss of the validation rows."""
        return float(self.row_losses.mean())


def curve_report(curve: Sequence[EpochResult]) -> list[dict[str, Any]]:
    """Returns a loss curve without what differs from run to run."""
    kept = ("epoch", "train_loss", "validation_loss", "best_validation_loss", "learning_rate")
    return [{key: value for key, value in asdict(result).items() if key in kept} for result in curve]


def candidate_report(judgement: Judgement) -> dict[str, Any]:
    """Returns one candidate's entry."""
    candidate = judgement.candidate
    best = min(candidate.curve, key=lambda result: result.validation_loss, default=None)
    return {
        "name": candidate.name,
        "series": candidate.series,
        "energy_distance": judgement.energy_distance,
        "validation_loss": judgement.validation_loss,
        "epochs": len(candidate.curve),
        "best_epoch": best.epoch if best else None,
        "training_seconds": sum(result.seconds for result in candidate.curve),
        "schedule": candidate.plan.to_json() if candidate.plan else None,
    }
