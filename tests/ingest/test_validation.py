"""Validation reports and never edits; cleaning does what its recipe says and counts it."""

from __future__ import annotations

import datetime as dt
import json
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.checks.cleaning import Step, clean, suggested_recipe
from services.ingest.checks.profile_columns import profile_columns
from services.ingest.checks.report_html import render_html
from services.ingest.checks.report_text import render_text
from services.ingest.checks.statistics import quantiles
from services.ingest.checks.thresholds import Thresholds
from services.ingest.checks.validation import validate
from services.machines.profile import MachineProfile, Sensor

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def table(rows: int = 300) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source_row": range(1, rows + 1),
            "timestamp": [START + dt.timedelta(seconds=10 * i) for i in range(rows)],
            "temp": [60 + math.sin(i / 7) + i * 1e-4 for i in range(rows)],
            "flow": [5 + math.cos(i / 3) + i * 1e-4 for i in range(rows)],
        }
    )


PROFILE = MachineProfile(
    "m1", (Sensor("temp", unit="°C", min=0, max=120), Sensor("flow", unit="m3/h", min=0, max=50, required=True))
)


def codes(report: dict[str, object], key: str) -> set[str]:
    found = report[key]
    assert isinstance(found, list)
    return {f["code"] for f in found}


def test_sound_table_passes_and_every_field_is_there() -> None:
    report = validate(table(), machine_id="m1", file_name="x.csv", profile=PROFILE)
    assert report["validation_passed"]
    assert report["errors"] == []
    wanted = {
        "machine_id",
        "file_name",
        "total_rows",
        "total_columns",
        "missing_values",
        "duplicate_rows",
        "outliers",
        "timestamp_sorted",
        "data_types",
        "validation_passed",
        "errors",
        "warnings",
        "suggested_cleaning",
    }
    assert wanted <= set(report)
    assert report["timestamp_sorted"] is True
    assert report["data_types"]["temp"] == "number"
    json.dumps(report)


def test_99_rows_fail_with_their_code_and_100_pass() -> None:
    assert codes(validate(table(99)), "errors") == {"ROWS_TOO_FEW"}
    assert validate(table(100))["validation_passed"]


def test_missing_share_above_the_threshold_is_flagged() -> None:
    holes = table().with_columns(pl.when(pl.col("source_row") % 3 != 0).then("temp").alias("temp"))
    report = validate(holes)
    assert report["missing_values"]["temp"] == pytest.approx(33.3333)
    assert "MISSING_VALUES" in codes(report, "warnings")
    assert "MISSING_VALUES" not in codes(validate(holes, thresholds=Thresholds(missing_share=0.4)), "warnings")


def test_duplicates_gaps_and_backward_steps_are_counted() -> None:
    base = table()
    moved = pl.concat([base, base.slice(5, 3)]).with_columns(pl.int_range(1, 304, dtype=pl.Int64).alias("source_row"))
    report = validate(moved)
    assert report["duplicate_rows"] == 3
    assert report["timestamp"]["steps_backwards"] == 1
    assert report["timestamp_sorted"] is False
    gap = base.filter(~pl.col("source_row").is_between(100, 160))
    assert validate(gap)["timestamp"]["gaps"] == 1


def test_stuck_sensor_is_found_but_coarse_resolution_is_not() -> None:
    frozen = table().with_columns(
        pl.when(pl.col("source_row").is_between(100, 200)).then(61.5).otherwise("temp").alias("temp")
    )
    assert validate(frozen)["stuck_values"]["temp"]["rows"] == 101
    coarse = table().with_columns(pl.col("temp").round(1))
    assert "temp" not in validate(coarse)["stuck_values"]


def test_profile_checks_find_limits_units_and_missing_sensors() -> None:
    kelvin = table().with_columns(pl.col("temp") + 273.15).drop("flow")
    report = validate(kelvin, profile=PROFILE)
    assert codes(report, "errors") == {"REQUIRED_SENSOR_MISSING"}
    finding = next(f for f in report["warnings"] if f["code"] == "UNIT_CONTRADICTION")
    assert "K" in finding["message"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([7.0] * 300, "RUL_CONSTANT"),
        ([float(i) for i in range(300)], "RUL_RISES"),
        ([150.0 - i for i in range(300)], "RUL_NEGATIVE"),
    ],
)
def test_remaining_life_that_is_none_is_said(values: list[float], code: str) -> None:
    assert code in codes(validate(table().with_columns(pl.Series("rul", values))), "warnings")


def test_reports_render_and_escape() -> None:
    report = validate(table().rename({"temp": "<script>alert(1)</script>"}), file_name="<b>x</b>.csv")
    page = render_html(report)
    assert "<script>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;.csv" in page
    assert "passed" in render_text(report)


def test_thresholds_must_not_be_negative() -> None:
    with pytest.raises(SensorForgeError) as caught:
        Thresholds.from_params({"z_score": -1})
    assert caught.value.reason == "OPTION_INVALID"


# Cleaning


def holes(lengths: list[int]) -> pl.DataFrame:
    """A rising column with gaps of these lengths, ten filled rows around each."""
    column: list[float | None] = [float(i) for i in range(10)]
    for length in lengths:
        at = float(len(column))
        column += [None] * length + [at + length + i for i in range(10)]
    return pl.DataFrame({"source_row": range(1, len(column) + 1), "segment": [0] * len(column), "v": column})


def test_short_gap_is_filled_and_long_gap_stays_whole() -> None:
    done = clean(holes([3, 6]), [Step("interpolate", max_gap=5)], None)
    assert done.effects[0].cells == {"v": 3}
    assert done.table["v"].null_count() == 6
    assert done.table["v"][10:13].to_list() == [10.0, 11.0, 12.0]


@pytest.mark.parametrize("kind", ["ffill", "bfill", "interpolate"])
@pytest.mark.parametrize("key", ["segment", "run_id"])
def test_gap_is_never_filled_across_runs(kind: str, key: str) -> None:
    frame = pl.DataFrame({"v": [1.0, None, None, 4.0], key: [0, 0, 1, 1]})
    if key == "run_id":
        frame = frame.with_columns(pl.col(key).cast(pl.String))
    done = clean(frame, [Step.from_params({"kind": kind})], None)
    expected = {"ffill": [1.0, 1.0, None, 4.0], "bfill": [1.0, None, 4.0, 4.0], "interpolate": [1.0, None, None, 4.0]}
    assert done.table["v"].to_list() == expected[kind]


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.none() | st.floats(-10, 10), min_size=1, max_size=60),
    max_gap=st.integers(1, 6),
    kind=st.sampled_from(["ffill", "bfill", "interpolate"]),
)
def test_filling_never_changes_a_measured_value_and_counts_what_it_fills(
    values: list[float | None], max_gap: int, kind: str
) -> None:
    frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.Float64), "segment": [i // 20 for i in range(len(values))]})
    done = clean(frame, [Step.from_params({"kind": kind, "max_gap": max_gap, "columns": ["v"]})], None)
    after = done.table["v"].to_list()
    assert all(a == b for a, b in zip(after, values, strict=True) if b is not None)
    assert sum(done.effects[0].cells.values()) == frame["v"].null_count() - done.table["v"].null_count()


def test_values_are_clipped_to_physical_limits_and_counted() -> None:
    wild = table().with_columns(pl.when(pl.col("source_row") <= 3).then(500.0).otherwise("temp").alias("temp"))
    done = clean(wild, [Step("clip")], PROFILE)
    assert done.effects[0].cells == {"temp": 3}
    assert done.table["temp"].max() == 120


def test_sigma_clip_is_warned_about() -> None:
    done = clean(table(), [Step("clip_sigma", sigma=1.0)], PROFILE)
    assert "failure" in done.effects[0].note


def test_row_steps_say_how_many_rows_they_remove() -> None:
    base = table(20)
    twice = pl.concat([base, base.head(4).with_columns(pl.col("source_row") + 20)])
    done = clean(twice, [Step("drop_duplicate_timestamps"), Step("drop")], None)
    assert [e.rows_dropped for e in done.effects] == [4, 0]
    exact = clean(twice, [Step("deduplicate")], None)
    assert exact.effects[0].rows_dropped == 4


def test_disabled_step_does_nothing_and_unknown_step_is_refused() -> None:
    assert clean(holes([2]), [Step("interpolate", enabled=False)], None).effects == []
    for wrong in ({"kind": "guess"}, {"kind": "ffill", "max_gap": -1}):
        with pytest.raises(SensorForgeError) as caught:
            Step.from_params(wrong)
        assert caught.value.reason == "RECIPE_INVALID"
    with pytest.raises(SensorForgeError):
        clean(table(), [Step("ffill", ("no_such",))], None)


def test_suggested_recipe_fills_and_clips_but_removes_no_signal() -> None:
    wild = holes([2]).with_columns(pl.when(pl.col("source_row") == 1).then(999.0).otherwise("v").alias("v"))
    profile = MachineProfile("m1", (Sensor("v", min=0, max=100),))
    assert [s.kind for s in suggested_recipe(wild, profile)] == ["clip", "interpolate"]
    assert suggested_recipe(table(), PROFILE) == ()


def test_column_profile_has_quantiles_samples_and_direction() -> None:
    found = {c.name: c for c in profile_columns(table(), {"temp": "°C"})}
    assert found["temp"].unit == "°C"
    assert len(found["temp"].quantiles) == 9
    assert found["source_row"].monotonic_share == 1.0
    assert found["timestamp"].type == "timestamp"
    assert found["flow"].quantiles[0] <= found["flow"].quantiles[4] <= found["flow"].quantiles[8]


def test_date_without_clock_does_not_cost_the_rows_of_its_day() -> None:
    days = pl.Series("timestamp", [dt.datetime(2024, 1, 1 + i // 4, tzinfo=dt.UTC) for i in range(40)])
    frame = pl.DataFrame({"timestamp": days, "speed": [float(i) for i in range(40)]})
    assert all(s.kind != "drop_duplicate_timestamps" for s in suggested_recipe(frame, None))
    report = validate(frame)
    assert "TIME_DATE_ONLY" in {w["code"] for w in report["warnings"]}


def test_coarse_clock_does_not_cost_rows_and_a_few_copies_do() -> None:
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    coarse = [start + dt.timedelta(seconds=i // 3) for i in range(60)]
    few = [start + dt.timedelta(seconds=max(i, 2)) for i in range(60)]
    for times, suggested in ((coarse, False), (few, True)):
        frame = pl.DataFrame({"timestamp": times, "speed": [float(i) for i in range(60)]})
        kinds = [s.kind for s in suggested_recipe(frame, None)]
        assert ("drop_duplicate_timestamps" in kinds) == suggested


@given(st.lists(st.none() | st.integers(-50, 50), max_size=40), st.floats(0, 1))
def test_quantiles_of_one_partial_sort_are_those_of_the_engine(cells: list[int | None], share: float) -> None:
    values = pl.Series("v", cells, dtype=pl.Float64)
    assert quantiles(values, (share, 0.25)) == [values.quantile(share), values.quantile(0.25)]
