"""The shapes in comparison.json: shared bins, bounded sizes, the numbers that are drawn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.compare import shapes
from services.compare.comparison import Comparison, compare
from services.compare.datasets import build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.limits import Limits
from services.compare.metrics.registry import QUICK
from services.machines.profile import MachineProfile, Sensor
from tests.compare.conftest import datasets, machine_rows, split_rows


@pytest.fixture(scope="module")
def result() -> Comparison:
    data = datasets(split_rows(300, 60, 200), machine_rows(300, 2), machine_rows(300, 3, shift=3.0))
    return compare(data, Limits(), metrics=QUICK, resamples=0)


@pytest.fixture(scope="module")
def document(result: Comparison) -> dict[str, Any]:
    whole = comparison_document(result, Provenance("m1", "2026-01-01T00:00:00Z", "t", "r", "s"), Extras())
    return json.loads(json.dumps(whole, allow_nan=False))


def wide(columns: int, *, states: int = 0) -> Comparison:
    rng = np.random.default_rng(0)
    names = [f"s{i:03}" for i in range(columns)]
    real = pl.DataFrame(rng.normal(size=(240, columns)), schema=names)
    refined = pl.DataFrame(rng.normal(size=(150, columns)), schema=names).with_columns(
        pl.col("s007") * 1.0, s008=pl.col("s007")
    )
    if states:
        real = real.with_columns(mode=pl.Series([f"m{i % states}" for i in range(240)]))
        refined = refined.with_columns(mode=pl.Series([f"m{i % states}" for i in range(150)]))
        names.append("mode")
    real = real.with_columns(pl.Series("split", ["train"] * 120 + ["test"] * 120))
    roles = {"mode": "state"}
    profile = MachineProfile("m1", tuple(Sensor(n, role=roles.get(n, "measurement")) for n in names))  # type: ignore[arg-type]
    return compare(build_datasets(real, refined, None, profile), Limits(), metrics=QUICK, resamples=0)


def test_all_sets_of_a_sensor_share_its_bins(document: dict[str, Any]) -> None:
    shape = document["histograms"]["bearing_temp"]
    assert len(shape["edges"]) == 41
    assert [len(shape[name]) for name in ("real", "seed", "refined")] == [40, 40, 40]
    assert all(0.98 <= sum(shape[name]) <= 1.0001 for name in ("real", "refined"))


def test_shares_are_those_of_numpy(result: Comparison, document: dict[str, Any]) -> None:
    shape = document["histograms"]["vibration"]
    j = [column.name for column in result.data.numeric].index("vibration")
    values = result.data.test.numeric[:, j]
    assert shape["real"] == pytest.approx(np.histogram(values, shape["edges"])[0] / len(values), abs=1e-6)


def test_what_a_poor_original_has_beyond_the_bins_is_in_no_bin(document: dict[str, Any]) -> None:
    assert sum(document["histograms"]["current_a"]["seed"]) < 0.95


def test_states_have_categories_in_place_of_edges(document: dict[str, Any]) -> None:
    shape = document["histograms"]["mode"]
    assert shape["categories"] == ["high", "low"]
    assert sum(shape["real"]) == pytest.approx(1, abs=1e-5)


def test_correlations_are_those_that_the_error_is_measured_on(document: dict[str, Any]) -> None:
    found = document["correlations"]
    assert found["sensors"] == ["current_a", "bearing_temp", "vibration", "rul"]  # rated is constant
    upper = np.triu_indices(4, 1)
    gap = np.abs(np.array(found["real"]) - np.array(found["refined"]))[upper].mean()
    assert document["statistical_metrics"]["correlation_error"]["refined_vs_real"] == pytest.approx(gap, abs=1e-3)
    assert found["left_out"] == 0


def test_beyond_fifty_sensors_the_worst_are_kept_in_the_profiles_order() -> None:
    found = shapes.correlations_json(wide(60))
    assert found is not None
    assert found["left_out"] == 10
    assert found["sensors"] == sorted(found["sensors"])
    assert {"s007", "s008"} <= set(found["sensors"])  # equal in the refined rows, apart in reality
    assert found["seed"] is None
    assert len(found["real"]) == len(found["real"][0]) == 50


def test_more_than_forty_states_are_summed_up() -> None:
    shape = shapes.histograms_json(wide(9, states=60))["mode"]
    assert len(shape["categories"]) == len(shape["real"]) == 40
    assert shape["categories"][-1] == "other"
    assert sum(shape["real"]) == pytest.approx(1, abs=1e-4)


def test_without_an_original_its_shapes_are_null() -> None:
    assert shapes.histograms_json(wide(9))["s000"]["seed"] is None


def test_one_column_has_no_correlations() -> None:
    rng = np.random.default_rng(0)
    real = pl.DataFrame({"a": rng.normal(size=200), "split": ["train"] * 100 + ["test"] * 100})
    data = build_datasets(real, pl.DataFrame({"a": rng.normal(size=90)}), None, MachineProfile("m1", (Sensor("a"),)))
    assert shapes.correlations_json(compare(data, Limits(), metrics=QUICK, resamples=0)) is None
