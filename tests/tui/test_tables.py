"""Tables keep to their width: the last columns give way first, optional ones are left out, nothing is markup."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from clients.tui.tables import Column, FittedTable, fitted_widths

from .newcomer import calm


def test_a_column_is_shortened_only_as_far_as_it_allows() -> None:
    columns = [Column("a"), Column("b", narrowest=5), Column("c", narrowest=5)]
    assert fitted_widths(columns, [10, 10, 10], 30) == [10, 10, 10]
    assert fitted_widths(columns, [10, 10, 10], 22) == [10, 7, 5]


def test_an_optional_column_is_left_out_when_shortening_does_not_suffice() -> None:
    columns = [Column("a", narrowest=8), Column("b", narrowest=5, optional=True)]
    assert fitted_widths(columns, [10, 10], 12) == [10, 0]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10), st.booleans()), min_size=1, max_size=8))
def test_no_column_gets_wider_than_its_content(shapes: list[tuple[int, int, bool]]) -> None:
    columns = [Column("x", narrowest, optional) for _, narrowest, optional in shapes]
    natural = [width for width, _, _ in shapes]
    widths = fitted_widths(columns, natural, 40)
    assert all(0 <= width <= wanted for width, wanted in zip(widths, natural, strict=True))
    least = sum(
        min(n, c.narrowest) if c.narrowest else n for c, n in zip(columns, natural, strict=True) if not c.optional
    )
    assert sum(widths) <= max(40, least)


class _Shown(App[None]):
    CSS = "FittedTable { height: 1fr; }"

    def __init__(self, *columns: Column) -> None:
        super().__init__()
        self.columns = columns or (Column("column", narrowest=6), Column("share", numeric=True))
        self.acted: list[int] = []

    def compose(self) -> ComposeResult:
        yield FittedTable(*self.columns)

    def on_data_table_row_selected(self, event: FittedTable.RowSelected) -> None:
        self.acted.append(event.cursor_row)


async def test_brackets_are_text_and_the_cursor_stays_where_it_was() -> None:
    async with _Shown().run_test(size=(40, 10)) as pilot:
        table = pilot.app.query_one(FittedTable)
        table.fill([("Vib DE [mm/s]", "1"), ("Flow [m3/h]", "2")])
        table.move_cursor(row=1)
        table.fill([("Vib DE [mm/s]", "1"), ("Flow [m3/h]", "3")])
        assert table.cursor_row == 1
        assert "[mm/s]" in str(table.get_row_at(0)[0])


async def test_a_click_chooses_a_row_and_acts_on_the_chosen_one_in_whatever_column() -> None:
    app = _Shown(Column("on", acts=True), Column("step"), Column("rows"))
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(FittedTable)
        table.fill([("[x]", "clip", "1"), ("[ ]", "drop", "2"), ("[ ]", "fill", "3")])
        await calm(pilot)
        second, box, step, rows, beyond = 2, 1, 6, 12, 30
        await pilot.click(offset=(step, second))
        await calm(pilot)
        assert (table.cursor_row, app.acted) == (1, [])
        for column in (rows, step, beyond):
            await pilot.click(offset=(column, second))
            await calm(pilot)
        assert app.acted == [1, 1, 1]
        await pilot.click(offset=(box, second + 1))
        await calm(pilot)
        assert (table.cursor_row, app.acted) == (2, [1, 1, 1, 2]), "a box is ticked at once"
        await pilot.click(offset=(beyond, second - 1))
        await calm(pilot)
        assert (table.cursor_row, len(app.acted)) == (0, 4)


async def test_a_long_text_takes_more_lines_where_the_window_has_them() -> None:
    app = _Shown(Column("check"), Column("found", narrowest=10, wraps=True))
    words = "a sentence that is longer than the window is wide"
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(FittedTable)
        table.fill([("a", words), ("b", "short")])
        await calm(pilot)
        assert [row.height for row in table.ordered_rows] == [2, 1]
        table.fill([("a", words)] * 8)
        await calm(pilot)
        assert [row.height for row in table.ordered_rows] == [1] * 8, "else rows would be out of sight"
