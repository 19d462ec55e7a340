"""Cleaning: a recipe of named steps, tried before it is done, with every change counted.

A gap is filled only inside one run and one segment and only when it is short. Values are clipped to physical limits
by default; clipping to standard deviations is possible and warned about, because it erases the signature of failure.
Rows are removed only by the steps that say so. Columns of time, runs, segments and remaining life are never edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.checks.statistics import DISCRETE_VALUES
from services.machines.profile import MachineProfile

StepKind = Literal[
    "ffill", "bfill", "interpolate", "drop", "clip", "clip_sigma", "deduplicate", "drop_duplicate_timestamps"
]
DEFAULT_MAX_GAP = 5
DEFAULT_SIGMA = 3.0
REPEATED_SHARE = 0.05
"""Share of rows with a repeated time above which the clock is coarse, rather than rows copied."""
_KEPT = frozenset({"source_row", "timestamp", "run_id", "segment", "rul", "split", "provenance"})


@dataclass(frozen=True)
class Step:
    """One step. `columns` empty: every sensor it applies to. `max_gap`: longest run of missing samples it fills."""

    kind: StepKind
    columns: tuple[str, ...] = ()
    max_gap: int = DEFAULT_MAX_GAP
    sigma: float = DEFAULT_SIGMA
    enabled: bool = True

    def to_params(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "max_gap": self.max_gap,
            "sigma": self.sigma,
            "enabled": self.enabled,
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Step:
        """Returns the step with defaults for 0. Raises RECIPE_INVALID."""
        kind = params["kind"]
        if kind not in get_args(StepKind):
            raise SensorForgeError(
                "RECIPE_INVALID", f"{kind!r} is no cleaning step; there are {', '.join(get_args(StepKind))}."
            )
        max_gap, sigma = int(params.get("max_gap") or DEFAULT_MAX_GAP), float(params.get("sigma") or DEFAULT_SIGMA)
        if max_gap < 0 or sigma <= 0:
            raise SensorForgeError(
                "RECIPE_INVALID", f"step {kind!r}: max_gap {max_gap} and sigma {sigma:g} must be positive."
            )
        return cls(kind, tuple(params.get("columns", ())), max_gap, sigma, bool(params.get("enabled", True)))


@dataclass
class Effect:
    """What one step changes: cells by column, rows removed, and a sentence of before and after or of caution."""

    step: Step
    cells: dict[str, int] = field(default_factory=dict)
    rows_dropped: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step.to_params(),
            "cells_changed": sum(self.cells.values()),
            "rows_dropped": self.rows_dropped,
            "cells_by_column": self.cells,
            "note": self.note,
        }


@dataclass
class Cleaned:
    """The cleaned table and the effect of every enabled step, in order."""

    table: pl.DataFrame
    effects: list[Effect]
    rows_before: int


def suggested_recipe(table: pl.DataFrame, profile: MachineProfile | None) -> tuple[Step, ...]:
    """Returns the recipe for an empty request: what the table needs and nothing that removes a sensor's signal."""
    steps: list[Step] = []
    if 0 < repeated_times(table) <= REPEATED_SHARE * table.height and not dates_only(table["timestamp"]):
        steps.append(Step("drop_duplicate_timestamps"))
    if beyond := sorted(n for n, (low, high) in _limits(table, profile).items() if _beyond(table[n], low, high)):
        steps.append(Step("clip", tuple(beyond)))
    gaps = [n for n in _sensors(table) if table[n].null_count()]
    smooth = [n for n in gaps if table.schema[n].is_numeric() and table[n].n_unique() > DISCRETE_VALUES + 1]
    if smooth:
        steps.append(Step("interpolate", tuple(smooth)))
    if states := [n for n in gaps if n not in smooth]:
        steps.append(Step("ffill", tuple(states)))
    return tuple(steps)


def repeated_times(table: pl.DataFrame) -> int:
    """Returns how many rows have the time of an earlier row of their run; 0 without a time column."""
    keys = _time_keys(table)
    return table.height - table.select(keys).n_unique() if keys else 0


def dates_only(times: pl.Series) -> bool:
    """Returns whether all times are midnights: days without a clock, on which many rows may lie."""
    filled = times.drop_nulls()
    return len(filled) > 1 and bool((filled.dt.truncate("1d") == filled).all())


def clean(table: pl.DataFrame, recipe: Sequence[Step], profile: MachineProfile | None) -> Cleaned:
    """Returns the table after the enabled steps. Raises RECIPE_INVALID for a column that does not exist."""
    effects = []
    cleaned = table
    for step in recipe:
        if unknown := [c for c in step.columns if c not in table.columns or c in _KEPT]:
            raise SensorForgeError(
                "RECIPE_INVALID", f"step {step.kind!r}: {unknown[0]!r} is no sensor column of the table."
            )
        if step.enabled:
            cleaned, effect = _apply(cleaned, step, profile)
            effects.append(effect)
    return Cleaned(cleaned, effects, table.height)


def _sensors(table: pl.DataFrame) -> list[str]:
    return [n for n in table.columns if n not in _KEPT and not isinstance(table.schema[n], pl.Datetime)]


def _time_keys(table: pl.DataFrame) -> list[str]:
    return [n for n in ("run_id", "timestamp") if n in table.columns] if "timestamp" in table.columns else []


def _groups(table: pl.DataFrame) -> list[str]:
    return [n for n in ("run_id", "segment") if n in table.columns]


def _limits(table: pl.DataFrame, profile: MachineProfile | None) -> dict[str, tuple[float | None, float | None]]:
    if profile is None:
        return {}
    return {
        s.name: (s.min, s.max)
        for s in profile.columns
        if s.name in table.columns and table.schema[s.name].is_numeric() and (s.min is not None or s.max is not None)
    }


def _beyond(values: pl.Series, low: float | None, high: float | None) -> int:
    count = 0
    if low is not None:
        count += int((values < low).sum())
    if high is not None:
        count += int((values > high).sum())
    return count


def _apply(table: pl.DataFrame, step: Step, profile: MachineProfile | None) -> tuple[pl.DataFrame, Effect]:
    match step.kind:
        case "ffill" | "bfill" | "interpolate":
            return _fill(table, step)
        case "clip":
            return _clip(table, step, _limits(table, profile), "")
        case "clip_sigma":
            return _clip_sigma(table, step)
        case "drop":
            return _drop(table, step)
        case "deduplicate":
            columns = list(step.columns) or [n for n in table.columns if n != "source_row"]
            kept = table.unique(subset=columns, keep="first", maintain_order=True)
            note = (
                "A steady machine at low resolution repeats itself legitimately; look at the rows before removing them."
            )
            return kept, Effect(step, rows_dropped=table.height - kept.height, note=note)
        case "drop_duplicate_timestamps":
            keys = _time_keys(table)
            if not keys:
                return table, Effect(step, note="The table has no time column; nothing to do.")
            kept = table.filter(pl.struct(keys).is_first_distinct() | pl.col("timestamp").is_null())
            return kept, Effect(
                step, rows_dropped=table.height - kept.height, note="The first row of each time is kept."
            )


def _fill(table: pl.DataFrame, step: Step) -> tuple[pl.DataFrame, Effect]:
    """Fills runs of at most max_gap missing cells inside a run and segment; longer ones stay missing as a whole."""
    names = list(step.columns) or [n for n in _sensors(table) if table[n].null_count()]
    if step.kind == "interpolate":
        names = [n for n in names if table.schema[n].is_numeric()]
    groups = _groups(table)
    effect = Effect(step)
    columns = []
    for name in names:
        before = table[name].null_count()
        if not before:
            continue
        values = pl.col(name).cast(pl.Float64) if step.kind == "interpolate" else pl.col(name)
        filled = {"ffill": values.forward_fill(), "bfill": values.backward_fill(), "interpolate": values.interpolate()}[
            step.kind
        ]
        null = pl.col(name).is_null()
        # A stretch of missing cells is numbered by the filled cells before it.
        stretch = null.not_().cum_sum()
        within = [*groups, "\0stretch"]
        frame = table.select([*groups, name]).with_columns(
            (stretch.over(groups) if groups else stretch).alias("\0stretch")
        )
        frame = frame.with_columns(
            null.sum().over(within).alias("\0length"), (filled.over(groups) if groups else filled).alias("\0filled")
        )
        short = null & (pl.col("\0length") <= step.max_gap)
        column = frame.select(pl.when(short).then("\0filled").otherwise(name).alias(name))[name]
        if step.kind == "interpolate" and table.schema[name].is_integer():
            column = column.round().cast(table.schema[name])
        columns.append(column)
        if changed := before - column.null_count():
            effect.cells[name] = changed
    result = table.with_columns(columns)
    left = sum(result[n].null_count() for n in names)
    effect.note = (
        f"{sum(effect.cells.values()):,} cells filled; {left:,} stay missing "
        f"(longer than {step.max_gap} samples or at an edge)."
    )
    return result, effect


def _clip(
    table: pl.DataFrame, step: Step, limits: Mapping[str, tuple[float | None, float | None]], note: str
) -> tuple[pl.DataFrame, Effect]:
    effect = Effect(step)
    columns = []
    for name, (low, high) in limits.items():
        if step.columns and name not in step.columns:
            continue
        if count := _beyond(table[name], low, high):
            effect.cells[name] = count
            columns.append(pl.col(name).clip(low, high))
    effect.note = note or (
        "Physical limits of the profile." if limits else "The profile gives no limits; nothing to do."
    )
    return table.with_columns(columns), effect


def _clip_sigma(table: pl.DataFrame, step: Step) -> tuple[pl.DataFrame, Effect]:
    names = [n for n in (step.columns or _sensors(table)) if table.schema[n].is_float()]
    limits: dict[str, tuple[float | None, float | None]] = {}
    for name in names:
        row = table.select(mean=pl.col(name).mean(), std=pl.col(name).std()).row(0)
        if row[0] is not None and row[1]:
            limits[name] = (row[0] - step.sigma * row[1], row[0] + step.sigma * row[1])
    note = f"Clipping at {step.sigma:g} sigma erases the signature of failure: rows nearest to failure are hit most."
    return _clip(table, step, limits, note)


def _drop(table: pl.DataFrame, step: Step) -> tuple[pl.DataFrame, Effect]:
    names = list(step.columns) or _sensors(table)
    kept = table.drop_nulls(names) if names else table
    return kept, Effect(
        step, rows_dropped=table.height - kept.height, note="Rows with a missing cell in these columns are removed."
    )
