"""The same content has the same id, whatever it looks like; different content has another; nothing is rounded."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.artifacts.derivation import Derivation, canonical_json
from services.chassis.errors import SensorForgeError

text = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
params = st.dictionaries(text, values, max_size=5)


def derived(params: dict[str, Any], **other: Any) -> Derivation:
    about: dict[str, Any] = {"machine": "pump-1", "operation": "mapping.merge", "revision": 1, "inputs": {}, "seed": 7}
    return Derivation(params=params, **{**about, **other})


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(item) for key, item in reversed(value.items())}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(params)
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert derived(value).digest() == derived(reversed_keys(value)).digest()


@given(params)
def test_the_id_survives_a_trip_through_json(value: dict[str, Any]) -> None:
    derivation = derived(value)
    again = Derivation.from_json(json.loads(derivation.canonical()))
    assert again.canonical() == derivation.canonical()
    assert again.digest() == derivation.digest()


@given(params)
def test_the_canonical_form_is_compact_utf8_json_of_the_same_value(value: dict[str, Any]) -> None:
    data = canonical_json(value)
    assert json.loads(data, parse_int=float) == value
    assert canonical_json(json.loads(data)) == data


@given(params, params)
def test_different_parameters_have_different_ids(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert (derived(one).digest() == derived(two).digest()) == (canonical_json(one) == canonical_json(two))


@given(st.integers(-(2**50), 2**50))
def test_a_whole_number_is_the_same_written_as_a_float(number: int) -> None:
    assert derived({"x": number}).digest() == derived({"x": float(number)}).digest()


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x != 0))
def test_the_neighbour_of_a_float_is_another_value(number: float) -> None:
    neighbour = math.nextafter(number, math.inf)
    if math.isfinite(neighbour):
        assert derived({"x": number}).digest() != derived({"x": neighbour}).digest()


def test_minus_zero_is_zero() -> None:
    assert canonical_json(-0.0) == canonical_json(0) == b"0"


def test_tuples_are_lists() -> None:
    assert derived({"x": (1, 2)}).digest() == derived({"x": [1, 2]}).digest()


def test_unicode_is_neither_escaped_nor_normalised() -> None:
    assert canonical_json({"°C": "Ä"}) == '{"°C":"Ä"}'.encode()
    assert canonical_json("\u00e9") != canonical_json("e\u0301")


def test_keys_are_sorted_by_utf16_units() -> None:
    # RFC 8785, section 3.2.3: U+FB33 sorts after U+1F600, whose first UTF-16 unit is D83D.
    assert list(json.loads(canonical_json({"\ufb33": 1, "\U0001f600": 2, "1": 3, "\r": 4}))) == [
        "\r",
        "1",
        "\U0001f600",
        "\ufb33",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"machine": "pump-2"},
        {"operation": "mapping.apply"},
        {"revision": 2},
        {"inputs": {"table": "machines/pump-1/clean/" + "0" * 64}},
        {"seed": 8},
    ],
)
def test_everything_an_operation_depends_on_is_in_the_id(change: dict[str, Any]) -> None:
    assert derived({}).digest() != derived({}, **change).digest()


def test_the_form_of_ids_never_changes() -> None:
    derivation = derived({"strategy": "merge", "balance": False, "share": 0.25, "columns": ["rul", "°C"], "none": None})
    assert (
        derivation.canonical()
        == (
            '{"inputs":{},"machine":"pump-1","operation":"mapping.merge",'
            '"params":{"balance":false,"columns":["rul","°C"],"none":null,"share":0.25,"strategy":"merge"},'
            '"revision":1,"seed":7}'
        ).encode()
    )
    assert derivation.digest() == "4628ab8dba5b31f0f16bade72459dcd78fd16ba321e99a1275cbe74e132fc31e"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (math.nan, "params.deep[1].x"),
        (math.inf, "params.deep[1].x"),
        (-math.inf, "params.deep[1].x"),
        (2**53 + 1, "params.deep[1].x"),
        (-(2**53) - 1, "params.deep[1].x"),
        (2**60, "params.deep[1].x"),
        (10**400, "params.deep[1].x"),
        ({1: "one"}, "params.deep[1].x"),
        ({1, 2}, "params.deep[1].x"),
        (b"bytes", "params.deep[1].x"),
        (object(), "params.deep[1].x"),
        ("\ud800", "canonical"),
    ],
)
def test_what_json_cannot_hold_exactly_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(SensorForgeError) as refused:
        derived({"deep": [0, {"x": value}]}).digest()
    assert refused.value.reason == "DERIVATION_INVALID"
    assert place in refused.value.message


def test_a_seed_that_json_would_round_is_refused() -> None:
    with pytest.raises(SensorForgeError, match="seed is 9223372036854775807"):
        derived({}, seed=2**63 - 1).digest()
