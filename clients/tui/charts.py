"""Chart widgets: `plotting`'s rows drawn as strips, repainting only the rows that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from clients.tui import plotting
from clients.tui.plotting import Curve, Row

# Hues that stay apart for colour-blind readers (Okabe and Ito 2008); marks and dashes say the same without colour.
SERIES_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442")


class Chart(Widget):
    """A widget that shows rows of spans. Subclasses say how the rows come from their data."""

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; min-height: 6; }"
    ascii_only: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._built_for: tuple[int, int] = (0, 0)

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the chart's rows at a size in cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Builds the rows anew and repaints those that differ."""
        width, height = self.size.width, self.size.height
        if not width or not height:
            return
        rows = self.rows(width, height)
        same_size = self._built_for == (width, height) and len(rows) == len(self._rows)
        changed = [y for y, row in enumerate(rows) if not same_size or row != self._rows[y]]
        self._rows, self._built_for = rows, (width, height)
        if not same_size:
            self.refresh()
        elif changed:
            self.refresh(*(Region(self.gutter.left, y + self.gutter.top, width, 1) for y in changed))

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
        if role.startswith("series-"):
            return Style(color=SERIES_COLOURS[int(role[7:]) % len(SERIES_COLOURS)])
        if role.startswith("heat:"):
            return _heat(float(role[5:]))
        return Style(dim=role == "axis")


class LineChart(Chart):
    """Curves over a common x. `x_range` fixes the axis to what is planned, so that the picture does not jump."""

    log_y: reactive[bool] = reactive(False)

    def __init__(self, *, x_label: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: list[Curve] = []
        self._x_range: tuple[float, float] | None = None
        self._x_label = x_label

    def show(self, curves: Sequence[Curve], x_range: tuple[float, float] | None = None) -> None:
        """Shows these curves."""
        self._curves, self._x_range = list(curves), x_range
        self.redraw()

    def watch_log_y(self) -> None:
        """Follows the setting."""
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns a legend above the plot."""
        plot = plotting.line_chart(
            self._curves,
            width,
            height - 1,
            x_range=self._x_range,
            log_y=self.log_y,
            ascii_only=self.ascii_only,
            x_label=self._x_label,
        )
        return [_legend(self._curves, ascii_only=self.ascii_only), *plot]


class Histogram(Chart):
    """Overlaid histograms of one sensor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: list[Curve] = []
        self._unit = ""

    def show(self, edges: Sequence[float], densities: Sequence[tuple[str, Sequence[float]]], unit: str = "") -> None:
        """Shows densities on common bin edges (one more edge than densities)."""
        self._curves = [Curve(name, list(edges), [*heights, heights[-1]], steps=True) for name, heights in densities]
        self._unit = unit
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns a legend above the outlines."""
        return [
            _legend(self._curves, ascii_only=self.ascii_only),
            *plotting.line_chart(self._curves, width, height - 1, ascii_only=self.ascii_only, x_label=self._unit),
        ]


class Heatmap(Chart):
    """A matrix of correlations or their differences, with the number in every cell."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._matrix: Sequence[Sequence[float]] = ()
        self._names: Sequence[str] = ()

    def show(self, matrix: Sequence[Sequence[float]], names: Sequence[str]) -> None:
        """Shows a square matrix of values in [-1, 1]."""
        self._matrix, self._names = matrix, names
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the numbers."""
        return plotting.heatmap(self._matrix, self._names, width, height) if self._names else []


def _legend(curves: Sequence[Curve], *, ascii_only: bool) -> Row:
    spans: Row = []
    for index, curve in enumerate(curves):
        mark = plotting.legend_mark(index, ascii_only=ascii_only)
        spans += [(mark + " ", f"series-{index}"), (curve.name + "  ", "label")]
    return spans


def _heat(value: float) -> Style:
    """Returns blue for negative, red for positive, dark near zero; text stays readable on each."""
    share = max(-1.0, min(1.0, value))
    end = (33, 102, 172) if share < 0 else (178, 24, 43)
    middle = (40, 44, 52)
    red, green, blue = (round(m + (e - m) * abs(share)) for m, e in zip(middle, end, strict=True))
    return Style(color="#f0f0f0", bgcolor=f"#{red:02x}{green:02x}{blue:02x}")
