"""Charts made of character cells, as pure data like those of `plotting`: heat maps with their numbers, and bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clients.tui.plotting import Row, fitted, message

_CELL = 5
_SHORTEST = 12


def heatmap(
    matrix: Sequence[Sequence[float]],
    names: Sequence[str],
    width: int,
    height: int,
    *,
    cursor: tuple[int, int] | None = None,
    full: float = 1.0,
) -> list[Row]:
    """Returns `height` rows of exactly `width` cells: a square of numbers in [-1, 1], columns numbered as the rows are.

    Each cell's role is "heat:SHARE", SHARE = value / `full` in [-1, 1], and "heat:SHARE/cursor" under the cursor. What
    does not fit follows the cursor, and a line says so. Values that round to .00 are a dot; one that is not finite is
    no number.
    """
    if not names:
        return message("nothing to show", width, height)
    digits = len(str(len(names)))
    # Names give way to numbers, as far as they can still be told.
    free = width - digits - 2 - _CELL * len(names)
    label = min(max(len(name) for name in names), max(_SHORTEST, free, 0 if free > 0 else width // 3 - digits))
    room = max(0, (width - label - digits - 2) // _CELL)
    lines = height - 1 if len(names) <= min(room, height - 1) else height - 2
    across, down = min(len(names), room), min(len(names), lines)
    if across < 1 or down < 1:
        return message("", width, height)
    at_row, at_column = cursor or (0, 0)
    left, top = _window(len(names), across, at_column), _window(len(names), down, at_row)
    numbers = "".join(str(c + 1).center(_CELL) for c in range(left, left + across))
    rows: list[Row] = [fitted([(" " * (label + digits + 2) + numbers, "axis")], width)]
    for r in range(top, top + down):
        here = cursor is not None and r == cursor[0]
        name = names[r] if len(names[r]) <= label else names[r][: label - 1] + "…"
        row: Row = [(name.ljust(label) + " ", "label/cursor" if here else "label"), (f"{r + 1:>{digits}} ", "axis")]
        for c in range(left, left + across):
            row.append(_cell(matrix[r][c], full, under_cursor=cursor == (r, c)))
        rows.append(fitted(row, width))
    if across < len(names) or down < len(names):
        shown = f"{across} of {len(names)} columns, {down} of {len(names)} rows; the arrows move to the others"
        rows.append(fitted([(shown, "axis")], width))
    return [*rows, *([fitted([], width)] * (height - len(rows)))]


def bars(names: Sequence[str], sets: Sequence[tuple[str, str, Sequence[float]]], width: int, height: int) -> list[Row]:
    """Returns shares of categories as horizontal bars, one line a set in each category; `sets` are (one character,
    role, shares). Categories that do not fit are counted."""
    label = min(max((len(name) for name in names), default=0), max(6, width // 3))
    room = width - label - 10
    if room < 4 or height < 1 + len(sets) or not names:
        return message("", width, height)
    shown = min(len(names), max(1, (height - 1) // max(1, len(sets))))
    longest = max((share for _, _, shares in sets for share in shares if math.isfinite(share)), default=0.0) or 1.0
    rows: list[Row] = []
    for i in range(shown):
        for number, (mark, role, shares) in enumerate(sets):
            share = shares[i] if math.isfinite(shares[i]) else 0.0
            name = names[i][:label].ljust(label) if not number else " " * label
            line = mark * round(room * min(max(share / longest, 0.0), 1.0))
            drawn = [(name + " ", "label"), (line.ljust(room), role), (f"{100 * share:6.1f} %", "axis")]
            rows.append(fitted(drawn, width))
    if shown < len(names):
        rows.append(fitted([(f"and {len(names) - shown} more", "axis")], width))
    return [*rows[:height], *([fitted([], width)] * (height - len(rows)))]


def _window(count: int, shown: int, at: int) -> int:
    """Returns the first of `shown` that hold `at`, in the middle where there is room on both sides."""
    return max(0, min(at - shown // 2, count - shown))


def _cell(value: float, full: float, *, under_cursor: bool) -> tuple[str, str]:
    if not math.isfinite(value):
        text, role = "n/a", "axis"
    else:
        text = "·" if abs(value) < 0.005 else f"{value:+.2f}".replace("0.", ".")
        role = f"heat:{max(-1.0, min(1.0, value / full)):.2f}"
    text = "+1.0" if text == "+1.00" else "-1.0" if text == "-1.00" else text
    return text.center(_CELL)[:_CELL], role + ("/cursor" if under_cursor else "")
