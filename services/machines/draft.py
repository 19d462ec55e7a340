"""A first profile drafted from a data file: names, units read from names, limits proposed from the data.

Promises: what it writes parses, and everything it guessed is marked "proposed" in a comment. It will not invent
physical limits; a range seen in a file is a starting point for a person.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from services.machines.interleaved import interleaved_by
from services.machines.profile import RESERVED_NAMES
from services.machines.units import parse_unit

MAX_STATES = 12
MIN_ROWS_OF_A_RUN = 10  # on average: what restarts more often is a pattern of the machine

# Words of names -> quantity and the dimension its unit must have; a one-letter suffix counts only when they agree.
_QUANTITIES = {
    "temp": ("temperature", "temperature"), "temperature": ("temperature", "temperature"),
    "press": ("pressure", "pressure"), "pressure": ("pressure", "pressure"), "current": ("current", "current"),
    "voltage": ("voltage", "voltage"), "volt": ("voltage", "voltage"), "power": ("power", "power"),
    "speed": ("rotational speed", "angular velocity"), "rpm": ("rotational speed", "angular velocity"),
    "flow": ("flow", "volume flow"), "vib": ("vibration", "velocity"), "vibration": ("vibration", "velocity"),
    "torque": ("torque", "torque"), "humidity": ("relative humidity", "relative humidity"),
    "level": ("level", "ratio"), "load": ("load", "ratio"), "frequency": ("frequency", "frequency"),
    "energy": ("energy", "energy"), "position": ("position", "length"),
}  # fmt: skip
_LIFE_NAMES = frozenset({"rul", "remaining_useful_life", "time_to_failure", "ttf"})
_RUN_NAMES = frozenset(
    {
        "run_id",
        "unit",
        "unit_id",
        "unit_nr",
        "unit_no",
        "unit_number",
        "engine",
        "engine_id",
        "asset",
        "asset_id",
        "machine_id",
    }
)
_INDEX_NAMES = frozenset({"", "index", "row", "row_id", "id", "unnamed_0", "cycle", "udi", "source_row"})


# A flag of these names says what happened, it measures nothing: a label. The last five are AI4I's failure kinds.
_LABEL_WORDS = frozenset({
    "failure", "failures", "failed", "fail", "fault", "faults", "faulty", "defect", "defective", "broken", "breakdown",
    "anomaly", "anomalies", "anomalous", "label", "target", "class", "attack", "outlier", "ausfall", "defekt", "panne",
    "falla", "fallo", "guasto", "falha", "twf", "hdf", "pwf", "osf", "rnf",
})  # fmt: skip
_RARE_FLAG = 0.01  # a 0/1 column that is 1 more seldom than this says what happened, not in which state a machine runs
_STATE_WORDS = frozenset({
    "alarm", "status", "state", "mode", "switch", "valve", "running", "run", "on", "off", "open", "closed", "enabled",
})  # fmt: skip


@dataclass(frozen=True)
class ColumnFacts:
    """What a file says about one column. `states` are its values where they are few; `counts_up` marks an index or a
    count within runs, `numbers_runs` the number of the run, `flags_failures` a 0/1 column that tells failures."""

    name: str
    kind: Literal["number", "text", "time"]
    unit: str = ""
    low: float | None = None
    median: float | None = None
    high: float | None = None
    states: tuple[str, ...] = ()
    counts_up: bool = False
    numbers_runs: bool = False
    flags_failures: bool = False


def facts_of(table: pl.DataFrame, units: Mapping[str, str] | None = None) -> tuple[ColumnFacts, ...]:
    """Returns the facts of each column of a parsed table; `units` are the declared ones."""
    facts = []
    run, count = _run_and_count(table)
    clock = next((name for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)), "")
    run = run or (interleaved_by(table, clock) if clock else "")
    for name in table.columns:
        column = table[name].drop_nulls()
        unit = (units or {}).get(name, "")
        if column.dtype.is_temporal():
            facts.append(ColumnFacts(name, "time"))
        elif column.dtype.is_numeric():
            values = column.cast(pl.Float64)
            values = values.filter(values.is_finite())
            states: tuple[str, ...] = ()
            # Exports write switches as 0 and 1, often with a decimal point; other fractions are measurements.
            whole = column.dtype.is_integer() or set(values.unique().to_list()) == {0.0, 1.0}
            if whole and 2 <= column.n_unique() <= 3 and len(column) >= 30:
                states = tuple(f"{value:.0f}" for value in column.unique().sort().to_list())
            steps = values.diff().drop_nulls()
            counts_up = len(steps) > 1 and bool((steps > 0).all()) and bool((steps == steps[0]).all())
            counts_up = counts_up or name == count
            low, median, high = (values.min(), values.median(), values.max()) if len(values) else (None, None, None)
            flag = states == ("0", "1") and _flags_failures(name, column.cast(pl.Float64))
            facts.append(
                ColumnFacts(
                    name,
                    "number",
                    unit,
                    _float(low),
                    _float(median),
                    _float(high),
                    states,
                    counts_up,
                    name == run,
                    flag,
                )
            )
        elif column.dtype == pl.Boolean:
            flag = column.n_unique() == 2 and _flags_failures(name, column.cast(pl.Float64))
            facts.append(ColumnFacts(name, "text", unit, states=("false", "true"), flags_failures=flag))
        else:
            texts = column.cast(pl.String).unique()
            few = tuple(sorted(texts.to_list())) if len(texts) <= MAX_STATES else ()
            facts.append(ColumnFacts(name, "text", unit, states=few, numbers_runs=name == run))
    return tuple(facts)


def _flags_failures(name: str, values: pl.Series) -> bool:
    words = set(_word(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split("_"))
    rare = len(values) > 0 and float(values.sum()) <= _RARE_FLAG * len(values)
    return bool(words & _LABEL_WORDS) or (rare and not words & _STATE_WORDS)


def _run_and_count(table: pl.DataFrame) -> tuple[str, str]:
    """Returns the column that numbers runs and the one that counts within each, "" where there is no such pair."""
    rises: dict[str, pl.Series] = {}
    for column in table.iter_columns():
        if column.dtype.is_numeric() and not column.null_count() and len(column) > 2 * MIN_ROWS_OF_A_RUN:
            rises[column.name] = column.cast(pl.Float64).diff()[1:]
    for count, steps in rises.items():
        restarts = steps != 1
        starts = table[count][1:].filter(restarts)
        if not len(starts) or len(starts) * MIN_ROWS_OF_A_RUN > len(steps) or (starts != table[count][0]).any():
            continue
        for run, changes in rises.items():
            if run != count and ((changes != 0) == restarts).all():
                return run, count
    return "", ""


def sampling_period_of(table: pl.DataFrame) -> float | None:
    """Returns the median step of a parsed table's first time column in seconds, None where there is none."""
    for column in table.iter_columns():
        if column.dtype in (pl.Datetime, pl.Date):
            steps = column.drop_nulls().cast(pl.Datetime("us")).diff().drop_nulls().dt.total_microseconds()
            rising = steps.filter(steps > 0)
            median = rising.median()
            if not isinstance(median, int | float) or 2 * len(rising) < len(steps):  # a date whose time is elsewhere
                return None
            return round(median / 1e6, 3) or None
    return None


def draft_of(table: pl.DataFrame, units: Mapping[str, str], machine_id: str) -> tuple[str, str]:
    """Returns the draft of a parsed table and the column that numbers its runs though no name says so ("" for none)."""
    rows = table.drop("source_row", strict=False)
    facts = facts_of(rows, units)
    run_column = next((item.name for item in facts if item.numbers_runs), "")
    return draft_profile(facts, machine_id, sampling_period_of(rows)), run_column


def draft_profile(
    columns: Sequence[ColumnFacts], machine_id: str = "my-machine", sampling_period_s: float | None = None
) -> str:
    """Returns a profile in YAML with one sensor a column; time, run, index and life columns are named in comments."""
    lines = [
        "# Drafted from a data file. Lines marked `proposed` are guesses: set physical limits and units you know.",
        f"machine_id: {_quoted(machine_id)}",
    ]
    if sampling_period_s:
        lines.append(f"sampling_period_s: {sampling_period_s:g}        # proposed: the median step of the file")
    sensors: list[str] = []
    for facts in columns:
        word = _word(facts.name)
        if facts.numbers_runs:
            said = f"# column {_quoted(facts.name)} tells runs or machines apart and is no sensor"
            lines.append(f"{said}: --run-column {facts.name}")
        elif facts.kind == "time" or word in _RUN_NAMES or word in _INDEX_NAMES or facts.counts_up:
            lines.append(f"# column {_quoted(facts.name)} is time, run or index and no sensor")
        elif word in _LIFE_NAMES:
            most = "" if facts.high is None or facts.high <= 0 else f", max: {_rounded(facts.high, up=True)}"
            lines.append(
                f"life: {{unit: {_quoted(facts.unit or 'h')}{most}}}    # proposed from column {_quoted(facts.name)}"
            )
        elif facts.flags_failures:
            lines.append(f"# column {_quoted(facts.name)} flags failures (0 and 1): a label for RUL and no sensor")
        elif facts.kind == "text" and not facts.states:
            lines.append(f"# column {_quoted(facts.name)} holds free text and is no sensor")
        else:
            sensors.extend(_sensor_lines(facts))
    if not sensors:
        return "\n".join([*lines, "sensors: []      # no column looks like a sensor; list yours", ""])
    return "\n".join([*lines, "sensors:", *sensors, ""])


def _sensor_lines(facts: ColumnFacts) -> list[str]:
    name = facts.name.strip()
    safe = f"{name}_" if name in RESERVED_NAMES or name.casefold() in {"timestamp", "run_id"} else name
    lines = [f"  - name: {_quoted(safe.removeprefix('aux.'))}"]
    if safe.removeprefix("aux.") != facts.name:
        lines.append(f"    aliases: [{_quoted(facts.name)}]")
    quantity, unit, source = _quantity_and_unit(facts)
    if facts.states:
        lines.append("    role: state")
        lines.append(f"    states: [{', '.join(_quoted(state) for state in facts.states)}]    # proposed: values seen")
        return lines
    if quantity:
        lines.append(f"    quantity: {quantity}    # proposed from the name")
    if unit:
        lines.append(f"    unit: {_quoted(unit)}{source}")
    if facts.low is not None and facts.high is not None and facts.median is not None and facts.low < facts.high:
        margin = 0.1 * (facts.high - facts.low)
        low = facts.low - margin if facts.low < 0 else max(0.0, facts.low - margin)
        lines.append(f"    min: {_rounded(low, up=False)}    # proposed: lowest value seen is {facts.low:g}")
        lines.append(f"    typical: {facts.median + 0.0:.6g}    # proposed: median")  # + 0.0: no "-0"
        lines.append(
            f"    max: {_rounded(facts.high + margin, up=True)}    # proposed: highest value seen is {facts.high:g}"
        )
    elif facts.median is not None:
        lines.append(f"    typical: {facts.median!r}    # the column is constant")
    return lines


def _quantity_and_unit(facts: ColumnFacts) -> tuple[str, str, str]:
    """Returns quantity, unit and a comment on where the unit comes from; each "" when unknown."""
    words = [word for word in re.split(r"[^A-Za-z0-9%°µ²³]+", facts.name) if word]
    quantity, dimension = next((_QUANTITIES[w.casefold()] for w in words if w.casefold() in _QUANTITIES), ("", ""))
    if facts.unit and parse_unit(facts.unit) is not None:
        return quantity, facts.unit, "    # as the file declares"
    for text in ("/".join(words[-2:]) if len(words) > 2 else "", words[-1] if len(words) > 1 else ""):
        unit = parse_unit(text) if text else None
        if unit is not None and (unit.dimension == dimension or (len(text) > 2 and not dimension)):
            return quantity, unit.symbol, "    # proposed from the name"
    return quantity, "", ""


def _rounded(value: float, *, up: bool) -> str:
    """Returns the value rounded outward to three significant digits."""
    if value == 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return f"{(math.ceil(value / step) if up else math.floor(value / step)) * step:.6g}"


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _quoted(text: str) -> str:
    """Returns the text as YAML: bare where nothing can be misread, else as a JSON string (which is YAML)."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) and text.casefold() not in {
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    }:
        return text
    return json.dumps("".join(c for c in text if c.isprintable()), ensure_ascii=False)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
