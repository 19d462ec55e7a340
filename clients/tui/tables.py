"""Tables that fit their place: columns give way in a fixed order, and what is shortened ends in an ellipsis.

Nothing scrolls sideways. Cells are never read as markup: `Vib DE [mm/s]` is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual.coordinate import Coordinate
from textual.events import Click
from textual.geometry import Size
from textual.widgets import DataTable

Cell = str | Text


@dataclass(frozen=True)
class Column:
    """`narrowest` is the width in cells down to which the column may be shortened, 0 for never; an `optional` column is
    left out where there is no room for it; numbers stand to the right; a click into one that `acts` does at once what
    Enter does, as one expects of a box to tick; one that `wraps` takes more lines where the window has them."""

    label: str
    narrowest: int = 0
    optional: bool = False
    numeric: bool = False
    acts: bool = False
    wraps: bool = False


def fitted_widths(columns: Sequence[Column], natural: Sequence[int], available: int) -> list[int]:
    """Returns the widths in cells at which columns with these natural widths fit into `available`, 0 for one that is
    left out. The last columns give way first; what is still too wide after that stays too wide."""
    widths = list(natural)
    least = [min(n, c.narrowest) if c.narrowest else n for c, n in zip(columns, natural, strict=True)]
    for index in reversed(range(len(columns))):
        if sum(n for w, n in zip(widths, least, strict=True) if w) <= available:
            break
        if columns[index].optional:
            widths[index] = 0
    for index in reversed(range(len(columns))):
        excess = sum(widths) - available
        if excess > 0 and widths[index]:
            widths[index] = max(least[index], widths[index] - excess)
    return widths


class FittedTable(DataTable[Text], inherit_bindings=False):
    """A table of rows to choose from. Enter is left to the pane, which says in the footer what it does. A click chooses
    a row; a click on the chosen row acts, wherever in it."""

    BINDINGS = [binding for binding in DataTable.BINDINGS if getattr(binding, "key", "") != "enter"]

    def __init__(self, *columns: Column, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, cursor_type="row", zebra_stripes=True)
        self._columns = columns
        self._cells: list[list[Text]] = []
        self._row_keys: Sequence[str] = ()
        self._shown: list[int] = []
        self._fitted_to = Size(0, 0)

    def on_click(self, event: Click) -> None:
        """Puts the cursor where DataTable, whose handler follows, takes the click for one on the chosen cell."""
        meta = event.style.meta
        row, place = meta.get("row", -1), meta.get("column", -1)
        if row >= 0 and 0 <= place < len(self._shown):
            under = self._shown[-1 if meta.get("out_of_bounds") else place]  # right of the table belongs to its end
            if self._columns[under].acts or row == self.cursor_row:
                self.cursor_coordinate = Coordinate(row, place)

    def fill(
        self, rows: Sequence[Sequence[Cell]], *, keys: Sequence[str] = (), columns: Sequence[Column] | None = None
    ) -> None:
        """Shows these rows in place of the old ones; the cursor stays where it was. `columns` replaces the columns."""
        if columns is not None:
            self._columns = tuple(columns)
        self._cells = [[_cell(c, cell) for c, cell in zip(self._columns, row, strict=True)] for row in rows]
        self._row_keys = keys
        self._fit()

    def on_resize(self) -> None:
        """Fits the columns to the new width."""
        if self.size.width and self.size != self._fitted_to:
            self._fit()

    def _fit(self) -> None:
        cursor, self._fitted_to = self.cursor_row, self.size
        padding = 2 * self.cell_padding
        scrolls = len(self._cells) + 1 > self.size.height  # the header is a row, too
        available = (self.size.width or 10_000) - (self.styles.scrollbar_size_vertical if scrolls else 0)
        natural = [
            max([cell_len(column.label), *(row[i].cell_len for row in self._cells)]) + padding
            for i, column in enumerate(self._columns)
        ]
        roomy = [
            Column(c.label, c.narrowest + padding if c.narrowest else 0, c.optional, c.numeric) for c in self._columns
        ]
        widths = fitted_widths(roomy, natural, available)
        self.clear(columns=True)
        shown = self._shown = [i for i, width in enumerate(widths) if width]
        for i in shown:
            self.add_column(_cell(self._columns[i], self._columns[i].label), width=widths[i] - padding)
        heights = self._heights({i: widths[i] - padding for i in shown if self._columns[i].wraps})
        for number, (row, height) in enumerate(zip(self._cells, heights, strict=True)):
            cells = [_broken(row[i]) if height > 1 and self._columns[i].wraps else row[i] for i in shown]
            self.add_row(*cells, height=height, key=self._row_keys[number] if self._row_keys else None)
        if self._cells:
            self.move_cursor(row=min(max(cursor, 0), len(self._cells) - 1))

    def _heights(self, wrapping: Mapping[int, int]) -> list[int]:
        """Returns the lines of every row when columns of these widths wrap; one each where that is too much."""
        console = self.app.console
        lines = [
            max((len(_broken(row[i]).wrap(console, width)) for i, width in wrapping.items()), default=1)
            for row in self._cells
        ]
        return lines if sum(lines) + 1 <= self.size.height else [1] * len(lines)


def _broken(text: Text) -> Text:
    broken = text.copy()
    broken.no_wrap, broken.overflow = False, "fold"
    return broken


def _cell(column: Column, value: Cell) -> Text:
    text = value.copy() if isinstance(value, Text) else Text(value)
    text.no_wrap, text.overflow = True, "ellipsis"
    if column.numeric:
        text.justify = "right"
    return text
