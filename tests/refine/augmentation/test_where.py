"""Conditions compare columns with constants, and nothing else: what they mean, and what they refuse."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.refine.augmentation.where import parse_condition

NUMBERS = ("rul", "temp", "flow rate", "s1.x")
STATES = {"mode": ["idle", "run"], "level": ["1.0", "2.0"]}
ROWS = pl.DataFrame(
    {
        "rul": [0.0, 5.0, 10.0, 20.0],
        "temp": [90.0, 60.0, 50.0, None],
        "flow rate": [1.0, 2.0, 3.0, 4.0],
        "s1.x": [-1.0, 0.0, 1.0, 2.0],
        "mode": ["run", "idle", "run", "run"],
        "level": ["1.0", "2.0", "1.0", "2.0"],
    }
)


def kept(text: str) -> list[float]:
    condition = parse_condition(text, NUMBERS, STATES)
    rows = ROWS if condition.keeps is None else ROWS.filter(condition.keeps)
    return rows["rul"].to_list()


@pytest.mark.parametrize(
    ("text", "rul"),
    [
        ("", [0, 5, 10, 20]),
        ("rul<10", [0, 5]),
        ("rul <= 10 and temp >= 60", [0, 5]),
        ("rul < 1 or rul > 15", [0, 20]),
        ("not rul < 10", [10, 20]),
        ("mode == 'run' & rul > 0", [10, 20]),
        ("mode = run, rul != 10", [0, 20]),
        ("mode != idle", [0, 10, 20]),
        ("rul in (5, 20)", [5, 20]),
        ("mode in ('idle')", [5]),
        ("rul between 4 and 11", [5, 10]),
        ("`flow rate` >= 3", [10, 20]),
        ("s1.x < -0.5", [0]),
        ("(rul < 1 or rul > 15) and mode == 'run'", [0, 20]),
        ("rul < 1 or rul > 15 and mode == 'idle'", [0]),
        ("level == 1", [0, 10]),
        ("temp > 1e1", [0, 5, 10]),
        ("RUL < 1 OR rul > 1".replace("RUL", "rul"), [0, 5, 10, 20]),
    ],
)
def test_a_condition_keeps_the_rows_it_says(text: str, rul: list[float]) -> None:
    assert kept(text) == rul


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speed < 3", "'speed' is no column"),
        ("rul < ", "its end"),
        ("rul < 'a'", "a number"),
        ("mode < 'run'", "== and != only"),
        ("mode == 'off'", "was never 'off'"),
        ("rul < 1 rul > 2", "not expected"),
        ("(rul < 1", "')'"),
        ("rul < 1; import os", "character 8"),
        ("__import__('os')", "no column"),
        ("rul in 3", "'('"),
        ("rul < 5 and", "its end"),
        ("(" * 50 + "rul<1" + ")" * 50, "nested"),
        ("rul < 1 and " * 400 + "rul < 1", "characters"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, says: str) -> None:
    with pytest.raises(SensorForgeError) as refused:
        parse_condition(text, NUMBERS, STATES)
    assert refused.value.reason == "WHERE_INVALID"
    assert says in refused.value.message


def test_bounds_are_what_every_kept_row_lies_in() -> None:
    both = parse_condition("rul < 50 and rul >= 10 and temp > 3", NUMBERS, STATES)
    assert both.bound("rul") == (10, math.nextafter(50, 0))
    either = parse_condition("rul < 5 or rul between 7 and 9", NUMBERS, STATES)
    assert either.bound("rul") == (-math.inf, 9)
    assert parse_condition("rul < 5 or temp > 3", NUMBERS, STATES).bound("rul") == (-math.inf, math.inf)
    assert parse_condition("not rul < 5", NUMBERS, STATES).bound("rul") == (-math.inf, math.inf)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_anything_else(text: str) -> None:
    reason = "WHERE_INVALID"
    try:
        kept(text)
    except SensorForgeError as error:
        reason = error.reason
    assert reason == "WHERE_INVALID"


_ATOM = st.builds(
    lambda name, op, value: f"{name} {op} {value}",
    st.sampled_from(["rul", "temp"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(-5, 95),
)


@given(
    st.recursive(
        _ATOM,
        lambda inner: st.one_of(
            st.builds(lambda a: f"not ({a})", inner),
            st.builds(lambda a, b: f"({a}) and ({b})", inner, inner),
            st.builds(lambda a, b: f"({a}) or ({b})", inner, inner),
        ),
        max_leaves=6,
    )
)
def test_no_kept_row_lies_outside_the_bounds(text: str) -> None:
    condition = parse_condition(text, NUMBERS, STATES)
    low, high = condition.bound("rul")
    assert all(low <= rul <= high for rul in kept(text))
