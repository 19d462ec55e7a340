"""A validation report as plain text, 100 columns wide, for terminals and mail."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

WIDTH = 100


def render_text(report: Mapping[str, Any]) -> str:
    """Returns validation.txt from validation.json."""
    verdict = "passed" if report["validation_passed"] else "FAILED"
    lines = [
        f"Validation of {report['file_name'] or 'the table'} for {report['machine_id'] or 'no machine'}: {verdict}",
        f"{report['total_rows']:,} rows, {report['total_columns']} columns, {report['duplicate_rows']:,} "
        "duplicate rows",
    ]
    if (time := report.get("timestamp")) is not None:
        order = "sorted" if time["sorted"] else f"{time['steps_backwards']:,} steps backwards"
        lines.append(
            f"time {time['column']}: {time['start']} to {time['end']}, median step {time['median_step_seconds']:g} s, "
            f"{order}, {time['gaps']:,} gaps"
        )
    for title, key in (("Errors", "errors"), ("Warnings", "warnings"), ("Notes", "notes")):
        if report.get(key):
            lines += ["", title]
            for finding in report[key]:
                lines += wrap(
                    f"{finding['code']}: {finding['message']}", WIDTH, initial_indent="  ", subsequent_indent="    "
                )
    lines += ["", f"{'column':32} {'type':10} {'missing %':>9} {'outliers':>9} {'min':>12} {'max':>12}  suggestion"]
    for name, kind in report["data_types"].items():
        column = report["columns"].get(name, {})
        lines.append(
            f"{name[:32]:32} {kind:10} {report['missing_values'][name]:9.2f} {report['outliers'].get(name, 0):9,d} "
            f"{_number(column.get('min')):>12} {_number(column.get('max')):>12}  "
            f"{report['suggested_cleaning'].get(name, '')}".rstrip()
        )
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
