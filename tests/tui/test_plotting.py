"""Charts as pure data: empty, one point, constant, not finite, and readable without colour."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.tui.plotting import Curve, Row, heatmap, histogram, line_chart, nice_ticks, sparkline, tick_labels


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


def test_histogram_of_equal_samples_draws_equal_outlines() -> None:
    sample = [float(i % 10) for i in range(1000)]
    alone = text(histogram([("a", sample)], 60, 10))
    twice = text(histogram([("a", sample * 3)], 60, 10))
    assert alone == twice


def test_heatmap_shows_numbers_and_says_what_does_not_fit() -> None:
    names = [f"sensor_{i}" for i in range(30)]
    matrix = [[1.0 if r == c else -0.25 for c in range(30)] for r in range(30)]
    picture = text(heatmap(matrix, names, 60, 20))
    assert "-.25" in picture
    assert "do not fit" in picture


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


def test_sparkline_shows_the_newest_values() -> None:
    assert sparkline([9.0, 1.0, 2.0, 3.0], 3) == "▁▅█"
    assert sparkline([], 5) == ""
    assert sparkline([math.nan], 5) == ""
