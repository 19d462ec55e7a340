"""Input that proves little: a clear statement of what can and cannot be concluded, never a number out of nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.compare.comparison import Comparison, compare
from services.compare.datasets import build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.limits import Limits
from services.compare.metrics.registry import QUICK
from services.compare.plots import draw_figures
from services.compare.report_html import html_report
from services.compare.report_pdf import pdf_report
from services.machines.profile import MachineProfile, Sensor
from tests.compare.conftest import PROFILE, machine_rows, split_rows


def compared(real: pl.DataFrame, refined: pl.DataFrame, *names: str, thorough: bool = False) -> Comparison:
    profile = MachineProfile("m1", tuple(Sensor(name, unit="bar") for name in names)) if names else PROFILE
    data = build_datasets(real, refined, None, profile)
    return compare(data, Limits(), resamples=20, **({} if thorough else {"metrics": QUICK}))  # type: ignore[arg-type]


def reported(result: Comparison) -> dict[str, Any]:
    """Returns the document, having written every file of the report from it."""
    document: dict[str, Any] = json.loads(
        json.dumps(comparison_document(result, Provenance("m1", "2026-01-01T00:00:00Z", "t", "r"), Extras()))
    )
    figures = draw_figures(result, {}, None)
    assert pdf_report(document, figures).startswith(b"%PDF")
    assert "<html" in html_report(document, figures)
    return document


def gates(result: Comparison) -> dict[str, str]:
    return {gate.name: gate.outcome for gate in result.gates}


@pytest.mark.parametrize("test_rows", [0, 9])
def test_without_held_out_rows_nothing_is_compared_and_the_counts_are_named(test_rows: int) -> None:
    with pytest.raises(SensorForgeError) as caught:
        build_datasets(split_rows(300, 50, test_rows), machine_rows(100, 2), None, PROFILE)
    assert caught.value.reason == "HOLDOUT_MISSING"
    assert f"300 training and {test_rows} test rows" in str(caught.value)


def test_columns_that_are_in_no_file_are_refused_by_name_and_reason() -> None:
    with pytest.raises(SensorForgeError) as caught:
        build_datasets(
            split_rows(100, 0, 50).select("current_a", "split"), machine_rows(50, 2).select("vibration"), None, PROFILE
        )
    assert caught.value.reason == "NOTHING_TO_COMPARE"
    assert "current_a: the refined rows lack it" in str(caught.value)


def test_one_sensor_has_no_correlation_and_the_report_says_so() -> None:
    real = split_rows(300, 0, 200).select("vibration", "split")
    result = compared(real, machine_rows(200, 2).select("vibration"), "vibration", thorough=True)
    assert gates(result)["correlation_error"] == "skipped"
    assert gates(result)["kl_divergence"] in {"pass", "undecided"}
    assert any("no correlation to compare" in text for text in result.warnings)
    assert reported(result)["statistical_metrics"]["tstr_r2"]["refined_vs_real"] is None


def test_a_constant_sensor_is_named_and_spoils_no_mean() -> None:
    result = compared(split_rows(300, 0, 200), machine_rows(200, 2))
    assert any(text.startswith("Constant in the test rows") and "rated" in text for text in result.warnings)
    assert "rated" not in result.sets["refined"].measured["kl_divergence"].per_column
    assert result.sets["refined"].measured["constants_kept"].value == 1


def test_only_constant_sensors_decide_nothing() -> None:
    real = split_rows(300, 0, 200).select("rated", "split")
    result = compared(real, machine_rows(200, 2).select("rated"), "rated")
    assert {gates(result)[name] for name in ("kl_divergence", "correlation_error", "improvement")} == {"skipped"}
    assert result.recommendation.advice == "collect_more_data"
    reported(result)


def test_a_column_that_the_synthetic_rows_lack_is_named_with_the_reason() -> None:
    result = compared(split_rows(300, 0, 200), machine_rows(200, 2).drop("vibration", "mode"))
    assert result.data.excluded == {
        "vibration": "the refined rows lack it", "mode": "the refined rows lack it"
    }  # fmt: skip
    assert any("2 sensors are not compared" in text for text in result.warnings)


def test_a_sensor_that_is_missing_in_most_rows_is_compared_on_what_there_is() -> None:
    rng = np.random.default_rng(0)
    hole = pl.Series(rng.random(500) < 0.1)
    real = split_rows(300, 0, 200).with_columns(vibration=pl.when(hole).then(pl.col("vibration")))
    result = compared(real, machine_rows(200, 2))
    assert result.sets["refined"].measured["missing_error"].per_column["vibration"] == pytest.approx(0.9, abs=0.05)


def test_thirty_held_out_rows_decide_no_distance_and_the_report_says_how_many_would() -> None:
    result = compared(split_rows(100, 0, 30), machine_rows(100, 2))
    found = {gate.name: gate for gate in result.gates}
    for name in ("kl_divergence", "correlation_error"):
        assert found[name].outcome == "undecided"
        assert "30 test rows" in found[name].explanation or "control alone" in found[name].explanation
    assert any("at least 100 are needed" in text for text in result.warnings)
    assert result.recommendation.advice == "collect_more_data"
    reported(result)


def test_a_random_row_split_is_told() -> None:
    real = machine_rows(400, 1).with_columns(split=pl.Series(np.random.default_rng(0).choice(["train", "test"], 400)))
    assert any("directly beside a training row" in text for text in compared(real, machine_rows(100, 2)).warnings)


def test_a_hold_out_that_training_has_seen_proves_nothing() -> None:
    real = split_rows(300, 0, 200)
    leaked = real.filter(pl.col("split") == "test").head(80).with_columns(split=pl.lit("train"))
    result = compared(pl.concat([leaked, real]), machine_rows(200, 2))
    assert gates(result)["leakage"] == "fail"
    assert result.recommendation.advice == "collect_more_data"
    assert "seen before" in result.recommendation.verdict


def test_a_model_that_returns_held_out_rows_has_seen_them() -> None:
    real = split_rows(300, 0, 200)
    stolen = real.filter(pl.col("split") == "test").drop("split").head(60)
    assert gates(compared(real, pl.concat([machine_rows(200, 2), stolen])))["leakage"] == "fail"
