"""Checks of a remaining useful life that a file brings: whether it behaves as a life does, run by run.

They look at the numbers and speak up; they change nothing. A capped life, which stands still at first, and one that is
censored before its end are both in order.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from services.machines.profile import MachineProfile
from services.machines.units import parse_unit
from services.mapping.findings import Finding

_JUMP = 0.05  # share of the longest life by which a life may rise in one step: rounding and noise of an estimate
_FEWEST_ACROSS = 3  # runs from which "goes on falling across runs" is no chance
_ANOTHER_UNIT = 2.0  # factor between the fall of the life and the time that passes


def check_rul(table: pl.DataFrame, column: str, profile: MachineProfile) -> list[Finding]:
    """Returns findings on a mapped remaining useful life: it must fall within a run, by about one step a row.

    Another column that falls by one constant step to the end of each run is named, since the headers may be swapped.
    """
    found: list[Finding] = []
    run = "run_id" if "run_id" in table.columns else "segment"
    rul = table["rul"].to_numpy()
    if not np.isfinite(rul).any():
        return [Finding("RUL_EMPTY", "warning", f"The RUL column {column!r} has no value.", column)]
    falling, rising = _trend(table, "rul", run)
    finite = rul[np.isfinite(rul)]
    if finite.min() == finite.max():
        found.append(
            Finding("RUL_CONSTANT", "warning", f"The RUL column {column!r} is {finite[0]:g} everywhere.", column)
        )
    elif falling < 0.9 and finite.min() != finite.max():
        others = [
            name
            for name in table.columns
            if table[name].dtype == pl.Float64 and name != "rul" and _ends_low(table, name, run)
        ]
        hint = (
            f" {others[0]!r} falls to the end of every run as an RUL does; are the headers swapped?" if others else ""
        )
        found.append(
            Finding(
                "RUL_NOT_FALLING",
                "warning",
                f"The RUL column {column!r} falls in {falling:.0%} of its steps and rises in {rising:.0%}; a remaining "
                f"life only falls within a run.{hint}",
                column,
            )
        )
    else:
        found += _jumps(table, column, run) + _counts_over_the_file(table, column, run)
        found += _another_unit(table, column, profile, run)
    if finite.min() < 0:
        found.append(
            Finding("RUL_NEGATIVE", "warning", f"The RUL column {column!r} goes down to {finite.min():g}.", column)
        )
    if profile.rul_max is not None and np.mean(finite > profile.rul_max * 1.5) > 0.5:
        found.append(
            Finding(
                "RUL_ABOVE_LIFE",
                "warning",
                f"Most values of {column!r} are above the longest life of the profile, {profile.rul_max:g} "
                f"{profile.rul_unit}.",
                column,
            )
        )
    if profile.rul_max is not None and profile.rul_max >= 20 and 0.0 <= finite.min() < finite.max() <= 1.0:
        found.append(
            Finding(
                "RUL_IS_A_SHARE",
                "warning",
                f"The RUL column {column!r} runs from {finite.min():g} to {finite.max():g}, a share of the life, while "
                f"the longest life of the profile is {profile.rul_max:g} {profile.rul_unit}.",
                column,
            )
        )
    return found


def _steps(table: pl.DataFrame, run: str) -> pl.DataFrame:
    """Returns run, RUL, the step of the RUL within the run and, where there are times, the seconds of the step."""
    within = [pl.col("rul").diff().over(run).alias("step")]
    if "timestamp" in table.columns:
        within.append((pl.col("timestamp").diff().over(run).dt.total_microseconds() / 1e6).alias("seconds"))
    return table.select(run, "rul", *within)


def _jumps(table: pl.DataFrame, column: str, run: str) -> list[Finding]:
    """Returns a finding where a life that mostly falls starts again in the middle of a run."""
    steps = _steps(table, run)
    longest = float(steps["rul"].fill_nan(None).max() or 0.0)  # type: ignore[arg-type]
    up = int((steps["step"].fill_nan(None).fill_null(0.0) > max(_JUMP * longest, 1.0)).sum())
    if not up:
        return []
    return [
        Finding(
            "RUL_JUMPS_UP",
            "warning",
            f"The RUL column {column!r} rises by more than {_JUMP:.0%} of the longest life in {up} steps within a run: "
            "a repair, or runs that are not told apart by a run column.",
            column,
            {"steps": up},
        )
    ]


def _counts_over_the_file(table: pl.DataFrame, column: str, run: str) -> list[Finding]:
    """Returns a finding where each run's life goes on from the end of the one before it."""
    ends = table.group_by(run, maintain_order=True).agg(
        pl.col("rul").drop_nulls().drop_nans().first().alias("first"),
        pl.col("rul").drop_nulls().drop_nans().last().alias("last"),
    )
    first, last = ends["first"].to_numpy()[1:], ends["last"].to_numpy()[:-1]
    if len(first) + 1 < _FEWEST_ACROSS or not np.all(first <= last) or (ends["first"] == ends["last"]).all():
        return []
    return [
        Finding(
            "RUL_OVER_THE_FILE",
            "warning",
            f"The RUL column {column!r} goes on falling from one run to the next over all {ends.height} runs: it "
            "counts to the end of the file, not to the end of each run.",
            column,
        )
    ]


def _another_unit(table: pl.DataFrame, column: str, profile: MachineProfile, run: str) -> list[Finding]:
    """Returns a finding where the life falls at another pace than time passes, in the profile's unit of life."""
    unit = parse_unit(profile.rul_unit) if profile.rul_unit else None
    if unit is None or unit.dimension != "time" or "timestamp" not in table.columns:
        return []
    steps = _steps(table, run).filter((pl.col("step") < 0) & (pl.col("seconds") > 0))
    if steps.height < 10:
        return []
    pace = float(np.median(-steps["step"].to_numpy() * float(unit.factor) / steps["seconds"].to_numpy()))
    if 1 / _ANOTHER_UNIT <= pace <= _ANOTHER_UNIT:
        return []
    return [
        Finding(
            "RUL_ANOTHER_UNIT",
            "warning",
            f"The RUL column {column!r} falls {pace:.3g} times as fast as time passes, read in {profile.rul_unit}: it "
            "is counted in another unit.",
            column,
            {"pace": round(pace, 6)},
        )
    ]


def _trend(table: pl.DataFrame, name: str, run: str) -> tuple[float, float]:
    """Returns the shares of steps within runs that do not rise, and that rise."""
    step = table.select(pl.col(name).diff().over(run, mapping_strategy="group_to_rows"))[name].to_numpy()
    step = step[np.isfinite(step)]
    if not len(step):
        return 1.0, 0.0
    return float(np.mean(step <= 0)), float(np.mean(step > 0))


def _ends_low(table: pl.DataFrame, name: str, run: str) -> bool:
    falling, _ = _trend(table, name, run)
    if falling < 0.99 or table[name].n_unique() < 5:
        return False
    ends = table.group_by(run).agg(pl.col(name).last())[name]
    return ends.n_unique() <= 2
