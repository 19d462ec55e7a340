"""What tests of refinement share: a pump's real rows, an original model of its seed, and a short refinement."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining
from services.refine.refinement import Refinement
from tests.refine.conftest import MACHINE, PROFILE, pump

QUICK = TrainingOptions(epochs=10, batch_size=64)
REAL = pump(500, 1, real=True)
HELD = pump(120, 2, real=True)


@cache  # models are never changed: what is refined is a copy
def original(engine: str = "flow") -> Model:
    """Returns a model of 2,000 seed rows."""
    training = OriginalTraining(MACHINE, pump(2000), profile=PROFILE, options=replace(QUICK, engine=engine))
    list(training.epochs())
    return training.result()[0]


def refine(
    rows: pl.DataFrame, base: Model | None, held: pl.DataFrame | None = HELD, **options: object
) -> tuple[Refinement, Model, dict[str, Any]]:
    """Returns the finished refinement, its model and its report."""
    refinement = Refinement(
        MACHINE, rows, held, profile=PROFILE, base=base, base_name="base", options=replace(QUICK, **options)
    )
    list(refinement.epochs())
    model, report = refinement.result()
    return refinement, model, report
