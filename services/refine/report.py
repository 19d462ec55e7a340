"""The parts of training.json: curves, candidates and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.refine.judging import Judgement
from services.refine.training import EpochResult


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
        "trained_on": candidate.trained_on if candidate.plan else None,
        "energy_distance": judgement.energy_distance,
        "validation_loss": judgement.validation_loss,
        "epochs": len(candidate.curve),
        "best_epoch": best.epoch if best else None,
        "training_seconds": sum(result.seconds for result in candidate.curve),
        "schedule": candidate.plan.to_json() if candidate.plan else None,
    }
