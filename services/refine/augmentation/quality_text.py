"""The quality report of augmented sets as a page of text, for people who open the directory and not the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEMPORAL = {
    "autocorrelation_error": "autocorrelation",
    "cross_correlation_error": "cross-correlation",
    "difference_wasserstein": "steps between rows",
}
_ROWS = {"kl": "margins (KL divergence)", "correlation_error": "correlations"}
_WIDTH = 100


def quality_text(report: Mapping[str, Any]) -> str:
    """Returns the report as plain text, lines of at most 100 characters except for names."""
    lines = [f"Augmented data sets of {report.get('machine_id', '')}", ""]
    if report.get("where"):
        lines.append(f"Every row meets: {report['where']}")
    if report.get("oversample"):
        lines.append(f"At least {report['share']:.0%} of each set meet: {report['oversample']}")
    lines += [f"{'set':8s}{'rows':>12s}{'runs':>8s}{'real rows':>12s}{'outside limits':>16s}"]
    for name, counts in report["sets"].items():
        lines.append(
            f"{name:8s}{counts['rows']:12,d}{counts['runs']:8,d}{counts['real_rows']:12,d}"
            f"{counts['limit_violations']:16,d}"
        )
    lines += ["", "Gates"]
    lines += [f"  {verdict.upper():10s} {gate.replace('_', ' ')}" for gate, verdict in report["gates"].items()]
    lines += _temporal(report.get("temporal")) + _rows(report.get("rows"))
    if report["disclosures"]:
        lines += ["", "What is not the machine's own"]
        for text in report["disclosures"]:
            lines += _wrapped(text)
    lines += ["", "How to use them", *_wrapped(report["use"])]
    return "\n".join(lines) + "\n"


def _temporal(figures: Mapping[str, Any] | None) -> list[str]:
    if not figures:
        return []
    lines = ["", "Movement in time, error against the training rows (0 is equal); beside it, real validation rows"]
    for key, words in _TEMPORAL.items():
        lines.append(f"  {words:28s}{_number(figures[key])}{_number(figures[f'{key}_of_real_validation'])}")
    return lines


def _rows(figures: Mapping[str, Any] | None) -> list[str]:
    if not figures:
        return []
    lines = [
        "",
        "Single rows, error against the training rows: augmented, refined model's own rows, real validation rows",
    ]
    for key, words in _ROWS.items():
        found = (figures.get(f"{key}_{group}") for group in ("augmented", "refined_model", "real_validation"))
        lines.append(f"  {words:28s}" + "".join(_number(value) for value in found))
    return lines


def _number(value: float | None) -> str:
    return f"{'-':>10s}" if value is None else f"{value:10.3f}"


def _wrapped(text: str) -> list[str]:
    """Returns a text as an item of a list."""
    lines, line = [], "  -"
    for word in text.split():
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return [*lines, line]
