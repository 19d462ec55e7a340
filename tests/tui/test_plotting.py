"""Charts as pure data: empty, one point, constant, not finite, and readable without colour."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color

from clients.tui.charts import ON_DARK, ON_LIGHT, Histogram
from clients.tui.grids import heatmap
from clients.tui.plotting import (
    Curve,
    Row,
    changed_spans,
    extent,
    fitted,
    line_chart,
    nice_ticks,
    sticky,
    tick_labels,
)


def text(rows: list[Row]) -> str:
    return "\n".join("".join(span for span, _ in row) for row in rows)


def widths(rows: list[Row]) -> set[int]:
    return {sum(len(span) for span, _ in row) for row in rows}


@pytest.mark.parametrize(
    "y",
    [
        [1.0],
        [2.0, 2.0, 2.0],
        [1.0, math.nan, 3.0],
        [1.0, math.inf, 3.0],
        [-1e9, 0.0, 1e9],
        [1e-9, 2e-9],
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_curve_fills_exactly_the_space_given(y: list[float], ascii_only: bool) -> None:
    rows = line_chart([Curve("a", list(range(len(y))), y)], 60, 12, ascii_only=ascii_only)
    assert len(rows) == 12
    assert widths(rows) == {60}


def test_without_points_it_says_so() -> None:
    assert "no data yet" in text(line_chart([Curve("a", [], [])], 40, 8))
    assert "no data yet" in text(line_chart([Curve("a", [0.0], [math.nan])], 40, 8))


@given(st.integers(0, 200), st.integers(0, 60))
def test_no_size_breaks_it(width: int, height: int) -> None:
    rows = line_chart([Curve("a", [0, 1, 2], [3, 1, 2])], width, height)
    assert len(rows) == height
    assert all(sum(len(s) for s, _ in row) == width for row in rows)


def test_two_curves_are_told_apart_without_colour() -> None:
    x = list(range(50))
    high = text(line_chart([Curve("a", x, [1.0] * 50), Curve("b", x, [0.0] * 50)], 60, 12))
    rows = high.splitlines()
    dots = [sum("⠀" < c <= "⣿" for c in row) for row in rows]
    assert dots[0] or dots[1]
    solid, dashed = max(dots[:6]), max(dots[6:])
    assert solid > dashed > 0


def test_ascii_mode_has_only_ascii() -> None:
    rows = line_chart([Curve("a", [0, 1], [0, 1]), Curve("b", [0, 1], [1, 0])], 60, 12, ascii_only=True)
    assert text(rows).isascii()
    assert "*" in text(rows)
    assert "o" in text(rows)


def test_a_fixed_x_range_keeps_the_axis_still() -> None:
    first = line_chart([Curve("a", [1], [5])], 60, 10, x_range=(1, 100), y_range=(0, 10))
    later = line_chart([Curve("a", [1, 40], [5, 4])], 60, 10, x_range=(1, 100), y_range=(0, 10))
    assert first[-1] == later[-1]


def test_log_scale_leaves_out_what_has_no_logarithm() -> None:
    assert widths(line_chart([Curve("a", [0, 1, 2], [0.0, -1.0, 10.0])], 50, 10, log_y=True)) == {50}


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
POINTS = st.lists(st.tuples(FLOATS, FLOATS), max_size=40)


@given(POINTS, POINTS, st.booleans(), st.booleans(), st.booleans())
def test_no_number_breaks_a_chart(
    first: list[tuple[float, float]], second: list[tuple[float, float]], log_y: bool, ascii_only: bool, steps: bool
) -> None:
    curves = [Curve(n, [x for x, _ in p], [y for _, y in p], steps) for n, p in (("a", first), ("b", second))]
    found = extent(curves, log_y=log_y)
    rows = line_chart(curves, 50, 9, log_y=log_y, ascii_only=ascii_only, y_range=found and sticky(None, found))
    assert len(rows) == 9
    assert widths(rows) == {50}
    assert not ascii_only or text(rows).isascii()


def test_what_cannot_be_drawn_parts_a_line() -> None:
    x = list(range(60))
    whole = text(line_chart([Curve("a", x, [1.0] * 60)], 60, 9))
    parted = text(line_chart([Curve("a", x, [1.0] * 20 + [math.nan] * 20 + [1.0] * 20)], 60, 9))
    assert sum(c > "⠀" for c in whole) > 1.3 * sum(c > "⠀" for c in parted)


def test_two_close_curves_are_both_to_be_seen() -> None:
    x = list(range(100))
    rows = line_chart([Curve("a", x, x), Curve("b", x, [v + 0.4 for v in x])], 60, 12)
    roles = {role for row in rows for _, role in row}
    assert {"series-0", "series-1"} <= roles


def test_ten_thousand_points_draw_the_picture_of_all_of_them() -> None:
    x = [i / 10_000 for i in range(10_000)]
    rows = line_chart([Curve("a", x, [math.sin(40 * v) for v in x])], 60, 12)
    assert widths(rows) == {60}
    crests = "".join(span for span, role in rows[0] if role == "series-0")
    assert len(crests) >= 6


@given(st.floats(-100, 100), st.floats(0.01, 100), st.floats(-100, 100), st.floats(0.01, 100))
def test_an_axis_moves_only_when_it_must(low: float, span: float, other: float, other_span: float) -> None:
    before = sticky(None, (low, low + span))
    after = sticky(before, (other, other + other_span))
    assert after[0] <= other + 1e-9
    assert after[1] >= other + other_span - 1e-9
    assert sticky(after, (other, other + other_span)) == after


CELLS = st.lists(st.tuples(st.text("ab ", max_size=3), st.sampled_from("xy")), max_size=4)


@given(st.lists(CELLS, min_size=3, max_size=3), st.lists(CELLS, min_size=3, max_size=3))
def test_the_changed_spans_are_all_that_has_to_be_painted(old: list[Row], new: list[Row]) -> None:
    before, after = [fitted(row, 12) for row in old], [fitted(row, 12) for row in new]
    painted = [[(c, role) for span, role in row for c in span] for row in before]
    wanted = [[(c, role) for span, role in row for c in span] for row in after]
    for y, first, end in changed_spans(before, after):
        painted[y][first:end] = wanted[y][first:end]
    assert painted == wanted
    assert changed_spans(after, after) == []


@given(POINTS, st.integers(0, 90), st.integers(0, 40), st.booleans())
def test_no_number_and_no_size_breaks_a_histogram(
    shares: list[tuple[float, float]], width: int, height: int, ascii_only: bool
) -> None:
    chart = Histogram()
    chart.ascii_only = ascii_only
    edges = [float(i) for i in range(len(shares) + 1)]
    sets = [("real", [a for a, _ in shares]), ("refined", [b for _, b in shares])]
    for shape in ({"edges": edges}, {"categories": [f"m{i}" for i in range(len(shares))]}):
        chart.show(sets if shares else [], **shape)  # type: ignore[arg-type]
        assert widths(chart.rows(width, height)) <= {width}


def test_a_histogram_tells_its_sets_apart_without_colour() -> None:
    chart = Histogram()
    chart.show(
        [("real", [0.1, 0.6, 0.3]), ("original", [0.5, 0.3, 0.2]), ("refined", [0.1, 0.55, 0.35])],
        edges=[0, 1, 2, 3],
        unit="mm",
    )
    rows = chart.rows(60, 12)
    roles = {role for row in rows for _, role in row}
    assert {"fill", "series-0", "series-1"} <= roles
    assert text(rows[:1]).split() == ["██", "real", "╌╌", "original", "──", "refined"]
    assert "mm" in text(rows)
    chart.ascii_only = True
    plain = text(chart.rows(60, 12))
    assert plain.isascii()
    assert all(mark in plain for mark in (":: real", "o original", "* refined", "::::"))


def test_bins_of_unequal_width_are_drawn_as_densities() -> None:
    chart = Histogram()
    chart.show([("real", [0.5, 0.5])], edges=[0, 1, 10])
    filled = [sum(len(s.strip()) for s, role in row if role == "fill") for row in chart.rows(60, 12)[1:-2]]
    assert filled[1] < 10  # half of the rows stand high over a tenth of the axis
    assert filled[-1] > 45


def test_states_are_bars_with_their_shares() -> None:
    chart = Histogram()
    chart.show([("real", [0.25, 0.75]), ("refined", [0.3, 0.7])], categories=["idle", "load"])
    shown = text(chart.rows(60, 8))
    assert all(word in shown for word in ("idle", "25.0 %", "70.0 %"))


def test_heatmap_shows_numbers_and_says_what_does_not_fit() -> None:
    names = [f"sensor_{i}" for i in range(30)]
    matrix = [[1.0 if r == c else -0.25 for c in range(30)] for r in range(30)]
    picture = heatmap(matrix, names, 60, 20)
    assert "-.25" in text(picture)
    assert "9 of 30 columns, 18 of 30 rows" in text(picture)
    assert widths(picture) == {60}
    assert "sensor_29" in text(heatmap(matrix, names, 60, 20, cursor=(29, 29)))


@given(st.integers(0, 60), st.integers(0, 120), st.integers(0, 50), st.integers(0, 59), FLOATS)
def test_no_number_and_no_size_breaks_a_heatmap(count: int, width: int, height: int, at: int, value: float) -> None:
    matrix = [[value] * count for _ in range(count)]
    cursor = (min(at, max(count - 1, 0)), 0)
    rows = heatmap(matrix, [f"s{i}" for i in range(count)], width, height, cursor=cursor, full=0.3)
    assert len(rows) == height
    assert widths(rows) <= {width}


def test_a_correlation_that_cannot_be_measured_is_no_number() -> None:
    assert "n/a" in text(heatmap([[math.nan]], ["a"], 30, 4))


@pytest.mark.parametrize(("palette", "ground"), [(ON_DARK, "#121212"), (ON_DARK, "#1e1e1e"), (ON_LIGHT, "#e0e0e0")])
def test_every_line_can_be_told_from_its_background(palette: tuple[str, ...], ground: str) -> None:
    def luminance(colour: str) -> float:  # relative luminance, WCAG 2.2
        parts = [c / 255 for c in Color.parse(colour).rgb]
        red, green, blue = ((c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4) for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colour in palette:
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 3.0  # success criterion 1.4.11


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 20))
def test_ticks_are_inside_and_rising(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= t <= low + span + slack for t in ticks)
    assert ticks == sorted(ticks)


def test_labels_tell_ticks_apart() -> None:
    assert tick_labels([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert tick_labels([0.0, 20.0, 40.0]) == ["0", "20", "40"]
    assert len(set(tick_labels([0.0, 2.5, 5.0]))) == 3
