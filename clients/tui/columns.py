"""One column of a file as the mapping shows it and as a person decides about it. Pure."""

from __future__ import annotations

import dataclasses

from rich.text import Text

from clients.tui.views import ColumnRow

# What the service calls a role, and what a person may choose.
_CHOOSABLE = {"setpoint": "sensor", "constant": "auxiliary", "index": "ignore"}
# m3 and m³ are one unit written twice.
_RAISED = str.maketrans("²³", "23")
WITH_SENSOR = ("sensor", "state")


def reasons(row: ColumnRow) -> list[str]:
    """Returns why a column is what it is, what else it could be, and a converted value, in up to three lines."""
    others = ", ".join(f"{name} {share:.0%}" for name, share in row.alternatives if name != row.sensor)
    lines = ["why   " + ("; ".join(row.reasons) or "no sensor resembles it")]
    lines += [f"or    {others}"] if others else []
    return lines + ([f"e.g.  {row.example}"] if row.example else [])


def cells(row: ColumnRow) -> tuple[Text, ...]:
    """Returns a column as a row of the table: mark, column, values, sensor or role, how sure, units."""
    if doubtful(row):
        mark = Text("?", "yellow bold")
    elif row.sensor or row.role in ("timestamp", "run", "rul"):
        mark = Text("✔", "green")
    else:
        mark = Text("·", "dim")
    target = Text(f"→ {row.sensor}") if row.sensor else Text(f"  {row.role}", "dim")
    if doubtful(row) and not row.sensor:
        target = Text("→ ?", "yellow")
    same = row.unit.translate(_RAISED) == row.target_unit.translate(_RAISED) or not row.unit
    units = "" if not row.sensor else row.target_unit if same else f"{row.unit} → {row.target_unit or 'profile'}"
    samples = Text(", ".join(_shortened(sample) for sample in row.samples), "dim")
    return (mark, Text(row.column), samples, target, Text(_sureness(row)), Text(units))


def _sureness(row: ColumnRow) -> str:
    if not row.sensor:
        return ""
    return "yours" if row.confirmed and row.tier != "auto" else f"{row.confidence:.0%}"


def missing_cells(sensor: str) -> tuple[Text, ...]:
    """Returns a required sensor without a column as a row of the table."""
    blank = Text("")
    return (Text("✖", "red bold"), Text("—"), Text("required", "dim"), Text(f"→ {sensor}"), blank, blank)


def now_of(taken: dict[str, str], sensor: str) -> str:
    """Returns in brackets which column a sensor has now; nothing when it has none."""
    return f"   (now {taken[sensor]})" if sensor in taken else ""


def doubtful(row: ColumnRow) -> bool:
    """Returns whether a person has to decide about the column."""
    return row.tier == "review" and row.role in WITH_SENSOR and not row.confirmed


def displaced(row: ColumnRow, by: str) -> ColumnRow:
    """Returns the question that remains when a column's sensor went to another column."""
    why = (f"{row.sensor} went to {by}",)
    return dataclasses.replace(
        row, role="sensor", sensor="", tier="review", confirmed=False, reasons=why, target_unit="", example=""
    )


def undisputed(rows: list[ColumnRow]) -> list[ColumnRow]:
    """Returns the rows without proposals of a sensor that a person gave to another column."""
    taken = {row.sensor: row.column for row in rows if row.sensor and row.confirmed}
    return [row if row.confirmed or row.sensor not in taken else displaced(row, taken[row.sensor]) for row in rows]


def settled(row: ColumnRow) -> ColumnRow:
    """Returns the row with a role that a person could choose, and without a match that is not even likely."""
    role = _CHOOSABLE.get(row.role, row.role)
    if role in WITH_SENSOR and not row.sensor:
        role = "auxiliary"
    return dataclasses.replace(row, role=role)


def explicit(row: ColumnRow) -> ColumnRow:
    """Returns the row as it is sent: what has no sensor is no sensor."""
    return row if row.sensor or row.role not in WITH_SENSOR else dataclasses.replace(row, role="auxiliary")


def _shortened(text: str, width: int = 16) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
