"""Transforming: cleaned rows get their remaining useful life and the set they belong to, before anything is fitted.

It promises that the table stays in engineering units. A normalised table is a view, made from figures of the training
rows alone that are stored beside the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from services.machines.profile import MachineProfile
from services.mapping.failure_log import FailureLog
from services.mapping.findings import Finding
from services.mapping.rul import RemainingLife, RulOptions, quartile_of_life, remaining_life
from services.mapping.split import TEST, TRAIN, Split, SplitOptions, split_rows


@dataclass(frozen=True)
class Transformed:
    """The rows with `rul` (where it can be known) and `split`, the RUL's unit and source, and the report."""

    table: pl.DataFrame
    rul: RemainingLife
    report: dict[str, Any]

    @property
    def holdout(self) -> pl.DataFrame:
        """The test rows: opened once, by compare."""
        return self.table.filter(pl.col("split") == TEST)


def transform(
    table: pl.DataFrame,
    profile: MachineProfile,
    rul: RulOptions,
    split: SplitOptions,
    seed: int,
    failure_columns: tuple[str, ...] = (),
    log: FailureLog | None = None,
) -> Transformed:
    """Returns the transformed table; a failure `log` says when its units failed.

    Raises as `remaining_life` and `split_rows` do.
    """
    life = remaining_life(table, profile, rul, failure_columns, log)
    table = table.drop("rul", "split", strict=False)
    if life.values is not None:
        place = next((i for i, name in enumerate(table.columns) if name.startswith("aux.")), table.width)
        table = table.insert_column(place, life.values.alias("rul"))
    runs = table["run_id"].fill_null("").rank("dense").to_numpy() if "run_id" in table.columns else None
    parts = split_rows(table.height, runs, split, seed)
    table = table.with_columns(pl.Series("split", parts.sets, dtype=pl.String))
    findings = [*life.findings, *_split_findings(parts)]
    training = table.filter(pl.col("split") == TRAIN)
    report = {
        "machine_id": profile.machine_id,
        "rows": table.height,
        "rul": {"source": life.source, "unit": life.unit, **_life_figures(table)},
        **({"failure_log": dict(log.report)} if log is not None else {}),
        "split": parts.report,
        "view": normalisation(training, profile),
        "findings": [finding.to_json() for finding in findings],
    }
    return Transformed(table, life, report)


def _split_findings(parts: Split) -> list[Finding]:
    found = []
    for name, share in parts.report["share"].items():
        if parts.by == "run" and name != TRAIN and parts.report["runs"][name] < 2:
            found.append(
                Finding(
                    "SPLIT_FEW_RUNS",
                    "warning",
                    f"The {name} set is one run ({share:.0%} of the rows); it proves little.",
                )
            )
    return found


def _life_figures(table: pl.DataFrame) -> dict[str, Any]:
    if "rul" not in table.columns:
        return {"known_rows": 0}
    quarters = quartile_of_life(table).drop_nulls()
    return {
        "known_rows": table.height - table["rul"].null_count(),
        "min": table["rul"].min(),
        "max": table["rul"].max(),
        "quarters": life_shares(quarters),
    }


def life_shares(quarters: pl.Series) -> dict[str, float]:
    """Returns the share of rows in each quarter of relative life, 0-25 % left first."""
    total = max(len(quarters), 1)
    names = ("0-25%", "25-50%", "50-75%", "75-100%")
    return {name: round(int((quarters == i).sum()) / total, 4) for i, name in enumerate(names)}


def normalisation(training: pl.DataFrame, profile: MachineProfile) -> dict[str, dict[str, float]]:
    """Returns for each numeric sensor the figures that `normalised` uses: mean, std, min and max of training rows."""
    figures: dict[str, dict[str, float]] = {}
    for name in [sensor.name for sensor in profile.columns] + ["rul"]:
        if name not in training.columns or training[name].dtype != pl.Float64:
            continue
        values = training[name].drop_nulls().to_numpy()
        values = values[np.isfinite(values)]
        if len(values):
            figures[name] = {
                "mean": float(values.mean()),
                "std": float(values.std()),
                "min": float(values.min()),
                "max": float(values.max()),
            }
    return figures


def normalised(table: pl.DataFrame, view: Mapping[str, Mapping[str, float]]) -> pl.DataFrame:
    """Returns the table with each sensor of the view scaled to mean 0 and standard deviation 1 of the training rows."""
    return table.with_columns(
        [
            (pl.col(name) - figure["mean"]) / (figure["std"] if figure["std"] > 0 else 1.0)
            for name, figure in view.items()
            if name in table.columns
        ]
    )
