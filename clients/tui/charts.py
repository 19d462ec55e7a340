"""Chart widgets: rows of spans drawn as strips, repainting only the cells that changed.

Colours come from the theme that is on: each look has one for dark and one for light backgrounds that can be read on it.
What a chart says is said by marks, dashes and numbers too, so NO_COLOR and `--ascii` lose nothing.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from clients.tui import grids, plotting
from clients.tui.plotting import Curve, Row

# Hues that stay apart for colour-blind readers (Okabe and Ito 2008), in two lightnesses: on dark and on light.
ON_DARK = ("#56b4e9", "#e69f00", "#3fc79a", "#cc79a7", "#f0e442")
ON_LIGHT = ("#00598f", "#a05800", "#00684c", "#8c3a6b", "#6b6200")
# Losses fall steeply at first: the highest few are left to run out of the picture, so that the rest can be told apart.
_SHOWN_SHARE = 0.95
_NEGATIVE, _POSITIVE = Color.parse("#2166ac"), Color.parse("#b2182b")
# The looks that a set of rows has in every chart.
LOOKS: Mapping[str, int] = {"refined": 0, "refinement": 0, "to train on": 0, "original": 1, "from scratch": 2}


class Chart(Widget):
    """A widget that shows rows of spans. Subclasses say how the rows come from their data: the type checker refuses an
    instance of this one, since Textual's metaclass leaves no room for ABC."""

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; min-height: 4; }"
    ascii_only: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._built_for: tuple[int, int] = (0, 0)

    @abstractmethod
    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the chart's rows at a size in cells."""

    def redraw(self) -> None:
        """Builds the rows anew and repaints the cells that differ."""
        width, height = self.size.width, self.size.height
        if not width or not height:
            return
        rows = self.rows(width, height)
        same_size = self._built_for == (width, height) and len(rows) == len(self._rows)
        spans = plotting.changed_spans(self._rows, rows) if same_size else []
        self._rows, self._built_for = rows, (width, height)
        if not same_size:
            self.refresh()
        elif spans:
            left, top = self.gutter.left, self.gutter.top
            self.refresh(*(Region(left + x, top + y, end - x, 1) for y, x, end in spans))

    def on_resize(self) -> None:
        """Follows the new size."""
        self.redraw()

    def watch_ascii_only(self) -> None:
        """Follows the setting."""
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Returns one row as a strip of the widget's width."""
        background = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(self.size.width, background)
        segments = [Segment(text, background + self._style(role)) for text, role in self._rows[y]]
        return Strip(segments).adjust_cell_length(self.size.width, background)

    def _style(self, role: str) -> Style:
        _, _, ground, ink = self.colors
        kind, _, on = role.partition("/")
        if kind.startswith("series-"):
            palette = ON_DARK if ground.brightness < 0.5 else ON_LIGHT
            line = Style(color=palette[int(kind[7:]) % len(palette)])
            return line + Style(bgcolor=_fill(ground, ink).rich_color) if on else line
        if kind.startswith("heat:"):
            return _heat(float(kind[5:]), ground) + Style(reverse=bool(on), bold=bool(on))
        if kind == "fill":
            return Style(color=_fill(ground, ink).rich_color)
        if kind == "axis":
            return Style(color=ground.blend(ink, 0.62).rich_color)
        return Style(bold=kind == "strong" or on == "cursor")


class LineChart(Chart):
    """Curves over a common x. `x_range` fixes the axis to what is planned, and the other axis moves only when it must,
    so that the picture does not jump."""

    log_y: reactive[bool] = reactive(False)

    def __init__(self, *, x_label: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: list[Curve] = []
        self._x_range: tuple[float, float] | None = None
        self._y_range: tuple[float, float] | None = None
        self._x_label = x_label

    def show(self, curves: Sequence[Curve], x_range: tuple[float, float] | None = None) -> None:
        """Shows these curves."""
        self._curves, self._x_range = list(curves), x_range
        self.redraw()

    def watch_log_y(self) -> None:
        """Follows the setting."""
        self._y_range = None
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns a legend above the plot."""
        found = plotting.extent(self._curves, log_y=self.log_y, most=_SHOWN_SHARE)
        self._y_range = None if found is None else plotting.sticky(self._y_range, found)
        plot = plotting.line_chart(
            self._curves,
            width,
            height - 1,
            x_range=self._x_range,
            y_range=self._y_range,
            log_y=self.log_y,
            ascii_only=self.ascii_only,
            x_label=self._x_label,
        )
        return [plotting.legend(self._curves, width, ascii_only=self.ascii_only), *plot]


class Histogram(Chart):
    """One column in several sets of rows: real rows as an area, the others as outlines over it; states as bars."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._edges: Sequence[float] = ()
        self._categories: Sequence[str] = ()
        self._sets: list[tuple[str, Sequence[float]]] = []
        self._unit = ""
        self._empty = ""

    def show(
        self,
        sets: Sequence[tuple[str, Sequence[float]]],
        *,
        edges: Sequence[float] = (),
        categories: Sequence[str] = (),
        unit: str = "",
    ) -> None:
        """Shows shares of rows by set ("real" is the area): in bins (one more edge than shares), or by category."""
        self._edges, self._categories, self._sets, self._unit = edges, categories, list(sets), unit
        self.redraw()

    def clear(self, reason: str = "") -> None:
        """Shows a sentence in place of a histogram."""
        self._sets, self._empty = [], reason
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns a legend above the area and the outlines."""
        if not self._sets:
            return plotting.message(self._empty, width, height)
        widths = [b - a for a, b in zip(self._edges, self._edges[1:], strict=False)]
        even = max(widths, default=1.0) <= 1.01 * min(widths, default=1.0)
        # Bins of unequal width are drawn as densities: an area then is a share of rows.
        heights = [_closed(shares if even else _over(shares, widths)) for _, shares in self._sets]
        curves = [
            Curve(name, self._edges, y, steps=True, look=look(name), fill=name == "real")
            for (name, _), y in zip(self._sets, heights, strict=True)
        ]
        above = plotting.legend(curves, width, ascii_only=self.ascii_only)
        if self._categories:
            sets = [
                (plotting.legend_mark(c.look, ascii_only=self.ascii_only, fill=c.fill)[0], _role(c), shares)
                for c, (_, shares) in zip(curves, self._sets, strict=True)
            ]
            return [above, *grids.bars(self._categories, sets, width, height - 1)]
        top = max((y for c in curves for y in c.y if 0 < y < 1e290), default=1.0)
        plot = plotting.line_chart(
            [_in_percent(c) for c in curves] if even else curves,
            width,
            height - 1,
            y_range=(0, 1.06 * top * (100 if even else 1)),
            ascii_only=self.ascii_only,
            x_label=self._unit,
        )
        return [above, *plot]


class Heatmap(Chart, can_focus=True):
    """A matrix of correlations or their differences, with the number in every cell; the arrows move a cursor."""

    BINDINGS = [
        Binding(key, f"move({down}, {across})", show=False)
        for key, down, across in (("up", -1, 0), ("down", 1, 0), ("left", 0, -1), ("right", 0, 1))
    ]

    class Moved(Message):
        """The cursor is on another cell."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._matrix: Sequence[Sequence[float]] = ()
        self._names: Sequence[str] = ()
        self._full = 1.0
        self.cursor = (0, 0)

    def show(self, matrix: Sequence[Sequence[float]], names: Sequence[str], *, full: float = 1.0) -> None:
        """Shows a square matrix of values in [-1, 1]; `full` is the value that is coloured fully."""
        self._matrix, self._names, self._full = matrix, names, full
        last = max(0, len(names) - 1)
        self.cursor = (min(self.cursor[0], last), min(self.cursor[1], last))
        self.redraw()

    def action_move(self, down: int, across: int) -> None:
        """Moves the cursor; at an edge it stays."""
        last = max(0, len(self._names) - 1)
        row, column = self.cursor
        self.cursor = (min(max(row + down, 0), last), min(max(column + across, 0), last))
        self.redraw()
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """Shows the cursor."""
        self.redraw()

    def on_blur(self) -> None:
        """Hides the cursor."""
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the numbers."""
        cursor = self.cursor if self.has_focus else None
        return grids.heatmap(self._matrix, self._names, width, height, cursor=cursor, full=self._full)


def look(name: str) -> int:
    """Returns the look of a set of rows or of a training, the same in every chart."""
    return LOOKS.get(name, 3)


def _closed(heights: Sequence[float]) -> list[float]:
    return [*heights, heights[-1]] if heights else []


def _over(shares: Sequence[float], widths: Sequence[float]) -> list[float]:
    return [share / width if width > 0 else math.nan for share, width in zip(shares, widths, strict=True)]


def _in_percent(curve: Curve) -> Curve:
    return Curve(curve.name, curve.x, [100 * y for y in curve.y], curve.steps, curve.look, curve.fill)


def _role(curve: Curve) -> str:
    return "fill" if curve.fill else f"series-{curve.look}"


def _fill(ground: Color, ink: Color) -> Color:
    return ground.blend(ink, 0.28)


def _heat(share: float, ground: Color) -> Style:
    """Returns blue for negative, red for positive, the background near zero; text is what can be read on it."""
    colour = ground.blend(_NEGATIVE if share < 0 else _POSITIVE, min(1.0, abs(share)))
    text = colour.get_contrast_text(0.95)
    return Style(color=text.rich_color, bgcolor=colour.rich_color)
