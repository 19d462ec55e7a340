"""Numbers of a comparison as people read them: one truth for the command line, the terminal client and the report.

The report is written by the service, which has the same rules in `services.compare.wording`; a test holds the two
together. Nothing is rounded away from what a verdict says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NONE = "–"
SHARES = frozenset({"dcr_share", "exact_copies", "limit_violations", "constants_kept", "leakage"})


@dataclass(frozen=True)
class GateText:
    """What a gate's numbers are in words: of the original, the refined and the real rows, and what is asked for."""

    original: str
    refined: str
    real: str
    target: str


def number(value: float | None) -> str:
    """Returns a number with three significant digits."""
    if value is None:
        return NONE
    if abs(value) < 1e-12:  # what rounding leaves of a constant
        return "0"
    if abs(value) >= 1e6 or abs(value) < 5e-5:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def share(value: float | None) -> str:
    """Returns a share of all rows in percent."""
    if value is not None and 1e-12 < value < 5e-5:
        return "< 0.01 %"
    return NONE if value is None else f"{100 * value:.3g} %"


def in_percent(value: float) -> str:
    """Returns a value that is in percent already; what is not quite 100 never reads as 100."""
    digits = next((n for n in range(4) if round(value, n) != 100 or value >= 100), 4)
    return f"{value:z.{digits}f}"


def gain(value: float | None) -> str:
    """Returns an improvement, which is in percent; beyond twice as bad how much worse says nothing."""
    if value is None:
        return NONE
    return "< -100 %" if value < -100 else f"{in_percent(value)} %"


def measure(name: str, value: float | None) -> str:
    """Returns a metric's value by the metric's name."""
    if name == "tstr_r2" and value is not None and value < 0:  # worse than guessing the mean; so is by how much
        return "< 0"
    return share(value) if name in SHARES else number(value)


def gate_text(gate: Mapping[str, Any]) -> GateText:
    """Returns the numbers of a gate of comparison.json. An improvement is judged in percent, so that the distances
    behind it do not stand beside its target; what real rows get, where it is allowed for, is part of the target."""
    name, limit = gate["name"], gate["limit"]
    if name == "improvement":
        return GateText(NONE, gain(gate.get("decided_on")), NONE, f"≥ {limit:g} %")
    sign = "≤" if gate["direction"].startswith("<") else "≥"
    refined, control, decided_on = gate["refined"], gate["control"], gate.get("decided_on")
    allowed = 0.0 if refined is None or decided_on is None else refined - decided_on
    target = f"{sign} {measure(name, limit + allowed)}"
    if allowed and control is not None and math.isclose(allowed, control, rel_tol=1e-9, abs_tol=1e-12):
        target = f"{sign} real + {measure(name, limit)}" if limit else f"{sign} real rows"
    return GateText(measure(name, gate["seed"]), measure(name, refined), measure(name, control), target)
