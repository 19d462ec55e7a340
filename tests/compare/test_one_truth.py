"""The command line, the terminal client and the report say the same number for the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clients.cli import summary
from clients.sdk import wording as told
from services.compare import wording as reported
from services.compare.gates import in_percent

VALUES = st.none() | st.floats(-1e9, 1e9)


@given(VALUES)
@example(5e-5)
@example(-1e-13)
def test_numbers_and_shares_read_alike(value: float | None) -> None:
    assert told.number(value) == reported.number(value)
    assert told.share(value) == reported.percent(value)


@given(st.floats(-100, 100))
@example(99.57)
@example(99.99996)
def test_an_improvement_reads_as_in_the_verdict(value: float) -> None:
    assert told.gain(value) == f"{in_percent(value)} %"


@pytest.mark.parametrize("value", [99.4, 99.57, 99.963, -3.4, 38.0])
def test_the_gates_table_of_the_command_line_is_that_of_the_report(value: float) -> None:
    gates: list[dict[str, Any]] = [
        {"name": "improvement", "title": "I", "limit": 30.0, "direction": ">", "outcome": "pass"}
        | {"seed": 42.8, "refined": 0.2, "control": 0.1, "decided_on": value},
        {"name": "dcr_share", "title": "N", "limit": 0.55, "direction": "<", "outcome": "pass"}
        | {"seed": None, "refined": 0.4971, "control": 0.5, "decided_on": 0.4971},
        {"name": "kl_divergence", "title": "K", "limit": 0.1, "direction": "<", "outcome": "fail"}
        | {"seed": 1234.5, "refined": value / 1e4, "control": 3.2e-5, "decided_on": value / 1e4},
    ]
    assert [row[1:4] for row in summary.gate_rows(gates)] == [row[1:4] for row in reported.gate_rows(gates)]
