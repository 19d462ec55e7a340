"""What may be asked of an augmentation, and what is refused before anything is loaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.refine.augmentation.options import read_options, set_sizes


@given(st.integers(10, 10_000_000))
def test_set_sizes_are_70_15_15_and_add_up(rows: int) -> None:
    sizes = set_sizes(rows)
    assert sum(sizes.values()) == rows
    for share, size in zip((0.7, 0.15, 0.15), sizes.values(), strict=True):
        assert abs(size - share * rows) < 1
    assert min(sizes.values()) >= 1


def test_fifty_thousand_rows_are_35000_7500_7500() -> None:
    assert set_sizes(50_000) == {"train": 35_000, "val": 7_500, "test": 7_500}


@pytest.mark.parametrize("rows", [0, -5, 9, 10**12, True, 12.5, "many"])
def test_an_impossible_number_of_rows_is_refused_by_its_value(rows: object) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read_options({"rows": rows})
    assert refused.value.reason == "AUGMENT_ROWS_INVALID"


LONE_SHARES = (
    {"oversample": "rul < 5"},
    {"share": 0.2},
    {"oversample": "rul < 5", "share": 1.0},
    {"oversample": "rul < 5", "share": -0.2},
    {"oversample": "rul < 5", "share": float("nan")},
    {"oversample": "rul < 5", "share": True},
)


@pytest.mark.parametrize(
    "params", [{"mix_real": 1.0}, {"mix_real": -0.1}, {"mix_real": "x"}, {"lives": "yes"}, *LONE_SHARES]
)
def test_impossible_options_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read_options(params)
    assert refused.value.reason == "AUGMENT_OPTION_INVALID"
