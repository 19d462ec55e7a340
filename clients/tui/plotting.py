"""Charts as pure data: numbers in, rows of styled text out. No widget, no terminal, no state.

A row is a list of spans (text, role); roles are "axis", "label" and "series-0", "series-1", ... so that the widget
chooses colours and a test reads text. Curves stay apart without colour: the second is dashed, the third dotted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[str, str]
Row = list[Span]

# Braille dot of (row, column) inside one character cell, Unicode 11.0 section 21.1.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_ASCII_MARKS = "*o+x#"
# Sub-columns drawn and skipped by each further curve.
_DASHES = ((1, 0), (5, 3), (1, 2), (8, 2), (2, 4))


@dataclass(frozen=True)
class Curve:
    """A named line: x and y of equal length; non-finite points are gaps. `steps` draws a staircase."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    steps: bool = False


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Returns round tick values inside [low, high], about `count` of them, at 1, 2, 2.5 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    raw = (high - low) / max(count, 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = min((m * magnitude for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Returns the ticks as text with just the decimals that tell them apart."""
    if not ticks:
        return []
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1.0
    largest = max(abs(t) for t in ticks)
    if largest >= 1e5 or (0 < largest < 1e-3):
        return [f"{t:.1e}" if t else "0" for t in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1
    return [f"{t:.{decimals}f}" for t in ticks]


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
    """Returns `height` rows of exactly `width` cells: plot, x axis, tick labels. Too small or empty: a sentence."""
    points = [_finite(curve, log_y) for curve in curves]
    if width < 16 or height < 4:
        return _message("", width, height)
    if not any(points):
        return _message("no data yet", width, height)
    x_low, x_high = x_range or _spread([x for p in points for x, _ in p])
    if y_range is not None and log_y:
        y_range = (math.log10(max(y_range[0], 1e-12)), math.log10(max(y_range[1], 1e-12)))
    y_low, y_high = y_range or _padded([y for p in points for _, y in p])
    plot_height = height - 2
    y_ticks = nice_ticks(y_low, y_high, max(2, plot_height // 3))
    y_labels = [f"{10**t:.3g}" for t in y_ticks] if log_y else tick_labels(y_ticks)
    margin = max((len(t) for t in y_labels), default=0) + 1
    plot_width = width - margin
    if plot_width < 8:
        return _message("", width, height)
    canvas = _Canvas(plot_width, plot_height, ascii_only)
    for index, (curve, finite) in enumerate(zip(curves, points, strict=True)):
        scaled = [((x - x_low) / (x_high - x_low), (y - y_low) / (y_high - y_low)) for x, y in finite]
        canvas.draw(index, scaled, curve.steps)
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


def histogram(
    samples: Sequence[tuple[str, Sequence[float]]],
    width: int,
    height: int,
    *,
    bins: int | None = None,
    ascii_only: bool = False,
    x_label: str = "",
) -> list[Row]:
    """Returns overlaid outlines of density histograms on common bins; the samples may differ in size."""
    values = [(name, [v for v in sample if math.isfinite(v)]) for name, sample in samples]
    everything = [v for _, sample in values for v in sample]
    if not everything:
        return _message("no data yet", width, height)
    low, high = _spread(everything)
    count = bins or max(8, min(60, width // 2))
    curves = []
    for name, sample in values:
        heights = [0.0] * count
        for value in sample:
            heights[min(int((value - low) / (high - low) * count), count - 1)] += 1
        scale = count / ((high - low) * len(sample)) if sample else 0.0
        edges = [low + (high - low) * i / count for i in range(count + 1)]
        curves.append(Curve(name, edges, [h * scale for h in heights] + [heights[-1] * scale], steps=True))
    top = max(max(c.y) for c in curves) or 1.0
    return line_chart(
        curves, width, height, x_range=(low, high), y_range=(0, top * 1.05), ascii_only=ascii_only, x_label=x_label
    )


def heatmap(matrix: Sequence[Sequence[float]], names: Sequence[str], width: int, height: int) -> list[Row]:
    """Returns a square of rounded numbers in [-1, 1]; each cell's role is "heat:VALUE". What does not fit is said."""
    label_width = min(max((len(n) for n in names), default=0), max(8, width // 4))
    shown = max(0, min(len(names), (width - label_width - 1) // 5, height - 2))
    rows: list[Row] = [[(" " * (label_width + 1), "axis"), ("".join(n[:4].ljust(5) for n in names[:shown]), "label")]]
    for r in range(shown):
        cells: Row = [(names[r][:label_width].rjust(label_width) + " ", "label")]
        for c in range(shown):
            value = matrix[r][c]
            text = " n/a " if not math.isfinite(value) else f"{value:+.2f}".replace("0.", ".").center(5)
            cells.append((text[:5], f"heat:{value:.3f}" if math.isfinite(value) else "axis"))
        rows.append(cells)
    if shown < len(names):
        rows.append([(f"{len(names) - shown} more sensors do not fit; enlarge the window", "axis")])
    return rows


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Returns the last `width` values as one line of bars."""
    finite = [v for v in values if math.isfinite(v)][-width:]
    if not finite:
        return ""
    bars = "_.-=^" if ascii_only else "▁▂▃▄▅▆▇█"
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    return "".join(bars[min(int((v - low) / span * len(bars)), len(bars) - 1)] for v in finite)


def legend_mark(index: int, *, ascii_only: bool = False) -> str:
    """Returns the line sample of the curve with this index: solid, dashed, dotted, ..."""
    if ascii_only:
        return _ASCII_MARKS[index % len(_ASCII_MARKS)]
    return ("──", "╌╌", "··", "━ ", "- ")[index % 5]


class _Canvas:
    """A grid of braille dots (or one ASCII mark a cell) that remembers which curve came last in each cell."""

    def __init__(self, width: int, height: int, ascii_only: bool) -> None:
        self._width, self._height, self._ascii = width, height, ascii_only
        self._bits = [[0] * width for _ in range(height)]
        self._owner = [[-1] * width for _ in range(height)]
        self._columns = width if ascii_only else width * 2
        self._rows = height if ascii_only else height * 4

    def draw(self, index: int, points: Sequence[tuple[float, float]], steps: bool) -> None:
        """Draws points in unit coordinates, joined in order; what lies outside is clipped."""
        drawn, skipped = _DASHES[index % len(_DASHES)] if not self._ascii else (1, 0)
        scaled = [(x * (self._columns - 1), (1 - y) * (self._rows - 1)) for x, y in points]
        if len(scaled) == 1:
            self._dot(index, *scaled[0])
        for (x0, y0), (x1, y1) in itertools.pairwise(scaled):
            corners = [(x0, y0), (x1, y0), (x1, y1)] if steps else [(x0, y0), (x1, y1)]
            for (ax, ay), (bx, by) in itertools.pairwise(corners):
                count = max(1, math.ceil(max(abs(bx - ax), abs(by - ay))))
                for i in range(count + 1):
                    x, y = ax + (bx - ax) * i / count, ay + (by - ay) * i / count
                    if skipped and abs(bx - ax) >= abs(by - ay) and int(x) % (drawn + skipped) >= drawn:
                        continue
                    self._dot(index, x, y)

    def _dot(self, index: int, x: float, y: float) -> None:
        column, row = round(x), round(y)
        if not (0 <= column < self._columns and 0 <= row < self._rows):
            return
        if self._ascii:
            self._bits[row][column] = 1
            self._owner[row][column] = index
        else:
            self._bits[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
            self._owner[row // 4][column // 2] = index

    def row(self, number: int) -> Row:
        """Returns one row of the plot, with neighbours of one curve joined into one span."""
        spans: Row = []
        for bits, owner in zip(self._bits[number], self._owner[number], strict=True):
            if not bits:
                text, role = " ", "axis"
            else:
                text = _ASCII_MARKS[owner % len(_ASCII_MARKS)] if self._ascii else chr(0x2800 | bits)
                role = f"series-{owner}"
            if spans and spans[-1][1] == role:
                spans[-1] = (spans[-1][0] + text, role)
            else:
                spans.append((text, role))
        return spans


def _finite(curve: Curve, log_y: bool) -> list[tuple[float, float]]:
    pairs = zip(curve.x, curve.y, strict=True)
    if log_y:
        return [(x, math.log10(y)) for x, y in pairs if math.isfinite(x) and math.isfinite(y) and y > 0]
    return [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


def _spread(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high > low:
        return low, high
    half = abs(low) * 0.05 or 0.5
    return low - half, high + half


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = _spread(values)
    padding = (high - low) * 0.05
    return low - padding, high + padding


def _x_axis(
    low: float, high: float, margin: int, plot_width: int, marks: tuple[str, str, str], label: str
) -> list[Row]:
    corner, bar, mark = marks
    line = [bar] * plot_width
    text = [" "] * (margin + plot_width)
    ticks = nice_ticks(low, high, max(2, plot_width // 12))
    for tick, name in zip(ticks, tick_labels(ticks), strict=True):
        column = round((tick - low) / (high - low) * (plot_width - 1))
        line[column] = mark
        start = min(max(0, margin + column - len(name) // 2), len(text) - len(name))
        if all(c == " " for c in text[max(0, start - 1) : start + len(name) + 1]):
            text[start : start + len(name)] = name
    if label and all(c == " " for c in text[-len(label) - 1 :]):
        text[-len(label) :] = label
    axis = (corner if margin == 0 else " " * (margin - 1) + corner) + "".join(line)
    return [[(axis, "axis")], [("".join(text), "axis")]]


def _message(text: str, width: int, height: int) -> list[Row]:
    width, height = max(width, 0), max(height, 0)
    return [[((text if r == height // 2 else "").center(width)[:width], "axis")] for r in range(height)]
