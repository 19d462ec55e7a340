"""What tests of refinement share: a pump's real rows and a short refinement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.refinement import Refinement
from tests.refine.conftest import MACHINE, PROFILE, pump

QUICK = TrainingOptions(epochs=10, batch_size=64)
REAL = pump(500, 1, real=True)
HELD = pump(120, 2, real=True)


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
