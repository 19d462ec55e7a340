"""Charts as pure data: numbers in, rows of styled text out. No widget, no terminal, no state.

A row is a list of spans (text, role). Roles are "axis", "label", "fill", "series-0", "series-1", ... and, where a line
crosses a filled area, "series-0/fill"; the widget chooses colours and a test reads text. Curves stay apart without
colour: each look has its own dashes, and in ASCII its own mark.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[str, str]
Row = list[Span]
Point = tuple[float, float]

# Braille dot of (row, column) inside one character cell, Unicode 11.0 section 21.1.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_ASCII_MARKS = "*o+x#"
_ASCII_FILL = ":"
# Sub-columns drawn and skipped by each look: solid, dashed, dotted, long dashes, short dashes.
_DASHES = ((1, 0), (5, 3), (1, 2), (8, 2), (2, 4))
_SAMPLES = ("──", "╌╌", "··", "━ ", "- ")
LOOKS = len(_DASHES)
# Beyond this, differences of two numbers overflow; no sensor measures it.
_LARGEST = 1e300
_MANY = 60


@dataclass(frozen=True)
class Curve:
    """A named line: x and y of equal length; non-finite points are gaps. `look` is its dashes and colour (-1: by its
    place in the list), `steps` draws a staircase, `fill` an area down to the axis in place of a line."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    steps: bool = False
    look: int = -1
    fill: bool = False


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Returns round tick values inside [low, high], about `count` of them, at 1, 2, 2.5 or 5 times a power of ten."""
    raw = (high - low) / max(count, 1)
    if not (math.isfinite(raw) and raw > 1e-290 and raw > 1e-13 * max(abs(low), abs(high))):
        return []
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = min((m * magnitude for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Returns the ticks as text with just the digits that tell them apart."""
    if not ticks:
        return []
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1.0
    largest = max(abs(t) for t in ticks)
    digits = max(1, math.ceil(math.log10(largest / step) - 1e-9) + 1) if largest else 1
    if largest >= 10.0 ** max(5, digits) or (0 < largest < 1e-3):
        return [f"{t:.{digits}e}".replace("e+0", "e").replace("e-0", "e-") if t else "0" for t in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1
    return [f"{t:z.{decimals}f}" for t in ticks]


def sticky(before: tuple[float, float] | None, now: tuple[float, float]) -> tuple[float, float]:
    """Returns an axis that holds `now` and moves only when it must: when something would leave it, or when less than a
    third of it would be used."""
    holds = before is not None and before[0] <= now[0] and now[1] <= before[1]
    if before is not None and holds and now[1] - now[0] > (before[1] - before[0]) / 3:
        return before
    padding = (now[1] - now[0]) * 0.05
    return now[0] - padding, now[1] + padding


def extent(curves: Sequence[Curve], *, log_y: bool = False, most: float = 1.0) -> tuple[float, float] | None:
    """Returns the lowest and the highest y (its decadic logarithm with `log_y`); None without a finite point. With many
    points only the share `most` of them has to fit, from below."""
    values = sorted(y for curve in curves for piece in _pieces(curve, log_y) for _, y in piece)
    if len(values) >= _MANY:
        values = values[: math.ceil(most * len(values))]
    return _spread(values) if values else None


def line_chart(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    log_y: bool = False,
    ascii_only: bool = False,
    x_label: str = "",
) -> list[Row]:
    """Returns `height` rows of exactly `width` cells: plot, x axis, tick labels. Too small or empty: a sentence.

    `y_range` is in decades with `log_y`. Areas are drawn first, lines over them, in the order given.
    """
    pieces = [_pieces(curve, log_y) for curve in curves]
    if width < 16 or height < 4:
        return message("", width, height)
    if not any(pieces):
        return message("no data yet", width, height)
    x_low, x_high = x_range or _spread([x for part in pieces for piece in part for x, _ in piece])
    y_low, y_high = y_range or sticky(None, _spread([y for part in pieces for piece in part for _, y in piece]))
    if x_high <= x_low or y_high <= y_low:
        return message("no data yet", width, height)
    plot_height = height - 2
    y_ticks = nice_ticks(y_low, y_high, max(2, min(8, plot_height // 3)))
    y_labels = [f"{10**t:.3g}" for t in y_ticks] if log_y else tick_labels(y_ticks)
    margin = max((len(t) for t in y_labels), default=0) + 1
    plot_width = width - margin
    if plot_width < 8:
        return message("", width, height)
    canvas = _Canvas(plot_width, plot_height, ascii_only)
    for index, (curve, part) in sorted(enumerate(zip(curves, pieces, strict=True)), key=lambda c: not c[1][0].fill):
        for piece in part:
            scaled = [(_unit(x, x_low, x_high), _unit(y, y_low, y_high)) for x, y in piece]
            if curve.fill:
                canvas.shade(scaled)
            else:
                canvas.draw(index if curve.look < 0 else curve.look, scaled, curve.steps)
    tick_rows = {
        round((1 - (t - y_low) / (y_high - y_low)) * (plot_height - 1)): label
        for t, label in zip(y_ticks, y_labels, strict=True)
    }
    edge, corner, bar, mark = ("|", "+", "-", "+") if ascii_only else ("│", "└", "─", "┴")
    tee = "+" if ascii_only else "┤"
    rows: list[Row] = []
    for number in range(plot_height):
        label = tick_rows.get(number, "")
        rows.append([(label.rjust(margin - 1) + (tee if number in tick_rows else edge), "axis"), *canvas.row(number)])
    rows.extend(_x_axis(x_low, x_high, margin, plot_width, (corner, bar, mark), x_label))
    return rows


def legend(curves: Sequence[Curve], width: int, *, ascii_only: bool = False) -> Row:
    """Returns what each line is, as wide as the chart."""
    spans: Row = []
    for index, curve in enumerate(curves):
        look = index if curve.look < 0 else curve.look
        role = "fill" if curve.fill else f"series-{look % LOOKS}"
        spans += [(legend_mark(look, ascii_only=ascii_only, fill=curve.fill) + " ", role), (curve.name + "  ", "label")]
    return fitted(spans, width)


def legend_mark(look: int, *, ascii_only: bool = False, fill: bool = False) -> str:
    """Returns the sample of a look: solid, dashed, dotted, ..., or of an area."""
    if fill:
        return _ASCII_FILL * 2 if ascii_only else "██"
    return _ASCII_MARKS[look % LOOKS] if ascii_only else _SAMPLES[look % LOOKS]


def message(text: str, width: int, height: int) -> list[Row]:
    """Returns rows that hold nothing but a sentence in the middle."""
    width, height = max(width, 0), max(height, 0)
    return [[((text if r == height // 2 else "").center(width)[:width], "axis")] for r in range(height)]


def fitted(row: Iterable[Span], width: int) -> Row:
    """Returns the row cut or filled to exactly `width` cells."""
    spans: Row = []
    left = width
    for text, role in row:
        if left > 0 and text:
            spans.append((text[:left], role))
            left -= len(text[:left])
    return [*spans, (" " * left, "axis")] if left > 0 else spans


def changed_spans(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[int, int, int]]:
    """Returns (row, first, end) of the cells that differ, one span a row: Textual 8.2 paints a span from the widget's
    left edge, so that a second one would paint the first again. Both have the same number of rows."""
    spans: list[tuple[int, int, int]] = []
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            differ = [x for x, (a, b) in enumerate(itertools.zip_longest(_cells(old), _cells(new))) if a != b]
            spans += [(y, differ[0], differ[-1] + 1)] if differ else []
    return spans


def _cells(row: Row) -> list[Span]:
    return [(character, role) for text, role in row for character in text]


class _Canvas:
    """A grid of braille dots (or one ASCII mark a cell) over filled columns; it remembers who came last in a cell."""

    def __init__(self, width: int, height: int, ascii_only: bool) -> None:
        self._width, self._height, self._ascii = width, height, ascii_only
        self._bits = [[0] * width for _ in range(height)]
        self._owner = [[-1] * width for _ in range(height)]
        self._filled = [0] * width  # eighths of a row, from below
        self._columns = width if ascii_only else width * 2
        self._rows = height if ascii_only else height * 4

    def shade(self, points: Sequence[Point]) -> None:
        """Fills from the axis up to a staircase of points in unit coordinates."""
        for column in range(self._width):
            x = (column + 0.5) / self._width
            top = max((y for (a, y), (b, _) in itertools.pairwise(points) if a <= x < b), default=0.0)
            self._filled[column] = round(min(max(top, 0.0), 1.0) * self._height * 8)

    def draw(self, look: int, points: Sequence[Point], steps: bool) -> None:
        """Draws points in unit coordinates, joined in order; what lies outside is clipped."""
        drawn, skipped = _DASHES[look % LOOKS] if not self._ascii else (1, 0)
        scaled = [(x * (self._columns - 1), (1 - y) * (self._rows - 1)) for x, y in points]
        if len(scaled) > 4 * self._columns:
            scaled = _thinned(scaled)
        if len(scaled) == 1:
            self._dot(look, *scaled[0])
        for (x0, y0), (x1, y1) in itertools.pairwise(scaled):
            corners = [(x0, y0), (x1, y0), (x1, y1)] if steps else [(x0, y0), (x1, y1)]
            for (ax, ay), (bx, by) in itertools.pairwise(corners):
                clipped = _clipped(ax, ay, bx, by, self._columns, self._rows)
                if clipped is None:
                    continue
                ax, ay, bx, by = clipped
                count = max(1, math.ceil(max(abs(bx - ax), abs(by - ay))))
                for i in range(count + 1):
                    x, y = ax + (bx - ax) * i / count, ay + (by - ay) * i / count
                    flat = abs(bx - ax) >= abs(by - ay)
                    if skipped and int(x if flat else y) % (drawn + skipped) >= drawn:
                        continue
                    self._dot(look, x, y)

    def _dot(self, look: int, x: float, y: float) -> None:
        column, row = round(x), round(y)
        if not (0 <= column < self._columns and 0 <= row < self._rows):
            return
        if self._ascii:
            self._bits[row][column] = 1
            self._owner[row][column] = look % LOOKS
        else:
            self._bits[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
            self._owner[row // 4][column // 2] = look % LOOKS

    def row(self, number: int) -> Row:
        """Returns one row of the plot, with neighbours of one role joined into one span."""
        spans: Row = []
        below = (self._height - 1 - number) * 8
        for bits, owner, filled in zip(self._bits[number], self._owner[number], self._filled, strict=True):
            level = min(max(filled - below, 0), 8)
            if bits:
                text = _ASCII_MARKS[owner] if self._ascii else chr(0x2800 | bits)
                role = f"series-{owner}/fill" if level == 8 and not self._ascii else f"series-{owner}"
            elif level:
                text, role = (_ASCII_FILL if level >= 4 else " ") if self._ascii else _EIGHTHS[level], "fill"
            else:
                text, role = " ", "axis"
            if spans and spans[-1][1] == role:
                spans[-1] = (spans[-1][0] + text, role)
            else:
                spans.append((text, role))
        return spans


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Returns of the points in each sub-column the first, the lowest, the highest and the last: the same picture."""
    kept: list[Point] = []
    for _, group in itertools.groupby(points, key=lambda p: round(p[0])):
        same = list(group)
        middle = sorted((min(same, key=lambda p: p[1]), max(same, key=lambda p: p[1])), key=same.index)
        kept += dict.fromkeys([same[0], *middle, same[-1]])
    return kept


def _clipped(
    ax: float, ay: float, bx: float, by: float, columns: int, rows: int
) -> tuple[float, float, float, float] | None:
    """Returns the part of a line that is near the grid (Liang and Barsky 1984); None when it passes it by."""
    start, end = 0.0, 1.0
    for delta, near, far in ((bx - ax, -1 - ax, columns - ax), (by - ay, -1 - ay, rows - ay)):
        if delta == 0:
            if near > 0 or far < 0:
                return None
            continue
        first, last = sorted((near / delta, far / delta))
        start, end = max(start, first), min(end, last)
    if start > end:
        return None
    return ax + (bx - ax) * start, ay + (by - ay) * start, ax + (bx - ax) * end, ay + (by - ay) * end


def _pieces(curve: Curve, log_y: bool) -> list[list[Point]]:
    """Returns the runs of points that can be drawn; what cannot be drawn parts them."""
    pieces: list[list[Point]] = [[]]
    for x, y in zip(curve.x, curve.y, strict=True):
        if abs(x) <= _LARGEST and abs(y) <= _LARGEST and (y > 0 or not log_y):
            pieces[-1].append((x, math.log10(y) if log_y else y))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _unit(value: float, low: float, high: float) -> float:
    """Returns where a value lies on an axis, 0 to 1 on it; far beyond its ends it is only far."""
    return min(max((value - low) / (high - low), -1e6), 1e6)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low > 1e-290 and high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    half = abs(low) * 0.05 if abs(low) > 1e-280 else 0.5
    return low - half, high + half


def _x_axis(
    low: float, high: float, margin: int, plot_width: int, marks: tuple[str, str, str], label: str
) -> list[Row]:
    corner, bar, mark = marks
    line = [bar] * plot_width
    text = [" "] * (margin + plot_width)
    ticks = nice_ticks(low, high, max(2, plot_width // 12))
    for tick, name in zip(ticks, tick_labels(ticks), strict=True):
        column = min(max(round((tick - low) / (high - low) * (plot_width - 1)), 0), plot_width - 1)
        line[column] = mark
        start = min(max(0, margin + column - len(name) // 2), len(text) - len(name))
        if start >= 0 and all(c == " " for c in text[max(0, start - 1) : start + len(name) + 1]):
            text[start : start + len(name)] = name
    label = label[: margin + plot_width]
    if label:
        # The unit stands at the right end; where a number is in its way, that number gives way.
        start = len(text) - len(label)
        while start > 0 and text[start - 1] != " ":
            start -= 1
        text[start:] = label.rjust(len(text) - start)
    axis = " " * (margin - 1) + corner + "".join(line)
    return [[(axis, "axis")], [("".join(text), "axis")]]
