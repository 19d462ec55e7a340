"""Options that several commands share, each written once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import completion
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import ColumnChoice

Endpoint = Annotated[
    str,
    typer.Option(
        "--endpoint",
        metavar="ADDRESS",
        help="host:port or unix:PATH of the services (or ingest=…,mapping=…,refine=…,compare=…). "
        "Default: SENSORFORGE_ENDPOINT, else a running `sensorforge up`, else an embedded service.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Numbered events on stdout, one JSON document a line.")]
Profile = Annotated[Path | None, typer.Option("--profile", "-p", metavar="FILE", help="Machine profile, YAML or JSON.")]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="[RUN]", help="Run: its name, the start of its id, or `last`.", autocompletion=completion.runs
    ),
]
MachineName = Annotated[str, typer.Argument(metavar="MACHINE", help="Machine id.", autocompletion=completion.machines)]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write all results of the run here.")]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="TIME", help="Give up waiting after 90s, 20m or 2h; jobs are left running.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Return once training runs.")]

FailureLog = Annotated[
    Path | None,
    typer.Option(
        "--failure-log", metavar="FILE", help="A file with one row a failure: RUL counts to each unit's next."
    ),
]
Align = Annotated[
    str,
    typer.Option(
        "--align",
        metavar="slowest|SENSOR",
        help="One row for each value of the slowest (or this) sensor, where sensors are sampled at different cadence.",
    ),
]

# Reading files
Format = Annotated[str, typer.Option("--format", help="csv, excel, parquet, json, …", rich_help_panel="Reading")]
Delimiter = Annotated[
    str, typer.Option("--delimiter", help='Like ";", "\\t" or whitespace.', rich_help_panel="Reading")
]
Quote = Annotated[str, typer.Option("--quote", help="Quote character.", rich_help_panel="Reading")]
Encoding = Annotated[str, typer.Option("--encoding", help="Like cp1252.", rich_help_panel="Reading")]
HeaderRow = Annotated[
    int | None, typer.Option("--header-row", min=0, help="From 1; 0: there is none.", rich_help_panel="Reading")
]
Decimal = Annotated[str, typer.Option("--decimal", help='"." or ",".', rich_help_panel="Reading")]
Thousands = Annotated[
    str,
    typer.Option("--thousands", help='What groups digits: ",", ".", "\'" or space.', rich_help_panel="Reading"),
]
JoinTolerance = Annotated[
    float,
    typer.Option(
        "--join-tolerance",
        metavar="SECONDS",
        min=0.0,
        help="Files with a tag each: how far apart samples of one row may be. Default: equal times.",
        rich_help_panel="Reading",
    ),
]
Sheet = Annotated[str, typer.Option("--sheet", help="Sheet of a workbook.", rich_help_panel="Reading")]
TimestampFormat = Annotated[
    str, typer.Option("--timestamp-format", help="Like %d.%m.%Y %H:%M.", rich_help_panel="Reading")
]
TimestampColumn = Annotated[str, typer.Option("--timestamp-column", metavar="C", help="The column that holds time.")]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="How to read dates like 03/04/2025.", rich_help_panel="Reading"),
]
TimeZone = Annotated[
    str, typer.Option("--time-zone", help="IANA zone of times without an offset.", rich_help_panel="Reading")
]
UnitsRow = Annotated[
    bool | None,
    typer.Option("--units-row/--no-units-row", help="Whether units follow the header.", rich_help_panel="Reading"),
]
ColumnNames = Annotated[
    str, typer.Option("--column-names", help="Names for files without a header: a,b,c.", rich_help_panel="Reading")
]
TagColumn = Annotated[str, typer.Option("--tag-column", help="Long exports: tag names.", rich_help_panel="Reading")]
ValueColumn = Annotated[str, typer.Option("--value-column", help="Long exports: values.", rich_help_panel="Reading")]
QualityColumn = Annotated[
    str,
    typer.Option("--quality-column", help="Quality codes, of a long export or of each row.", rich_help_panel="Reading"),
]
RegisterMap = Annotated[
    Path | None,
    typer.Option(
        "--register-map", metavar="FILE", help="Modbus dumps: what the registers mean.", rich_help_panel="Reading"
    ),
]

_TIME = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h|min|sec)?\s*$")
_SECONDS = {None: 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float | None:
    """Returns the seconds of "90", "90s", "20m" or "2h"; None for "". Raises SensorForgeClientError TIME_INVALID."""
    if not text:
        return None
    match = _TIME.match(text)
    if match is None or float(match[1]) <= 0:
        raise SensorForgeClientError(
            "TIME_INVALID",
            f"{text!r} is not a length of time.",
            kind="USAGE",
            remedy="Write it like 90s, 20m or 2h.",
        )
    return float(match[1]) * _SECONDS[match[2]]


def decimal_mark(decimal: str, thousands: str) -> str:
    """Returns the decimal mark that goes with a mark between groups of digits; "" leaves it to the file.

    Raises SensorForgeClientError THOUSANDS_INVALID.
    """
    implied = {"": decimal, ",": ".", ".": ",", "'": decimal, " ": decimal, "space": decimal}
    if thousands not in implied or (decimal and thousands in (",", ".") and decimal == thousands):
        raise SensorForgeClientError(
            "THOUSANDS_INVALID",
            f"--thousands {thousands!r} cannot go with decimal mark {decimal or 'of the file'!r}.",
            kind="USAGE",
            remedy="Give ',' or '.' or \"'\" or space, and another --decimal.",
        )
    return implied[thousands]


def column_choices(texts: list[str]) -> tuple[ColumnChoice, ...]:
    """Returns the choices of `--map COLUMN=SENSOR`, `COLUMN=SENSOR:UNIT` and `COLUMN=ignore`.

    Raises SensorForgeClientError MAP_INVALID.
    """
    choices = []
    for text in texts:
        column, equals, target = text.rpartition("=")
        sensor, _, unit = target.partition(":")
        if not equals or not column.strip() or not sensor.strip():
            raise SensorForgeClientError(
                "MAP_INVALID",
                f"--map {text!r} does not say which column is which sensor.",
                kind="USAGE",
                remedy="Write --map 'COLUMN=SENSOR', 'COLUMN=SENSOR:UNIT' or 'COLUMN=ignore'.",
            )
        if sensor.strip() in ("ignore", "auxiliary", "label"):
            choices.append(ColumnChoice(column.strip(), sensor.strip()))  # type: ignore[arg-type]  # checked above
        else:
            choices.append(ColumnChoice(column.strip(), "sensor", sensor.strip(), unit.strip()))
    return tuple(choices)


def names(text: str) -> tuple[str, ...] | None:
    """Returns the parts of a comma-separated list; None for ""."""
    return tuple(part.strip() for part in text.split(",")) if text else None
