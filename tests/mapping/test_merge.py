"""A merge contains no test row, no auxiliary column and no row of unknown origin."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.merge import merge_rows
from services.mapping.rul import RulOptions
from services.mapping.split import SplitOptions
from services.mapping.transform import normalised, transform

PROFILE = MachineProfile("m", (Sensor("a"), Sensor("b"), Sensor("s", role="state")))


def real(rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "source_row": np.arange(1, rows + 1),
            "segment": np.zeros(rows, dtype=np.int32),
            "a": rng.normal(0, 1, rows),
            "s": rng.choice(["0", "1"], rows),
            "aux.note": ["n"] * rows,
        }
    )
    return transform(table, PROFILE, RulOptions(), SplitOptions(), seed).table


def seeds(rows: int = 50) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "run_id": ["r"] * rows,
            "a": np.linspace(0, 1, rows),
            "b": np.ones(rows),
            "s": np.ones(rows),
            "rul": np.arange(rows, 0, -1, dtype=float),
        }
    )


@settings(max_examples=25)
@given(st.integers(100, 800), st.sampled_from(["merge", "real-only"]), st.integers(0, 99))
def test_no_test_or_guard_row_ever_passes(rows: int, strategy: str, seed: int) -> None:
    table = real(rows, seed)
    merged = merge_rows(table, seeds(), PROFILE, strategy, seed=seed)  # type: ignore[arg-type]
    kept_away = set(table.filter(pl.col("split").is_in(["test", "guard"]))["source_row"])
    passed = set(merged.train["source_row"].drop_nulls()) | set(merged.val["source_row"].drop_nulls())
    assert not passed & kept_away
    assert passed == set(table["source_row"]) - kept_away
    assert not [name for name in merged.train.columns if name.startswith("aux.")]


def test_replace_needs_five_thousand_real_rows() -> None:
    with pytest.raises(SensorForgeError, match="5,000") as caught:
        merge_rows(real(5000), None, PROFILE, "replace")
    assert caught.value.reason == "MERGE_TOO_FEW_ROWS"
    assert merge_rows(real(6500), None, PROFILE, "replace").report["rows"]["train_seed"] == 0


def test_what_only_the_seed_has_is_empty_in_real_rows_and_marked() -> None:
    merged = merge_rows(real(400), seeds(), PROFILE, "merge")
    assert merged.seed_derived == ("b", "rul")
    rows = merged.train.filter(pl.col("provenance") == "real")
    assert rows["b"].null_count() == rows["rul"].null_count() == rows.height
    assert merged.train.filter(pl.col("provenance") == "seed")["s"].unique().to_list() == ["1"]
    assert merged.val["provenance"].unique().to_list() == ["real"]


def test_a_merge_is_shuffled_by_its_seed_and_only_by_it() -> None:
    first, again, other = (merge_rows(real(400), seeds(), PROFILE, "merge", seed=seed).train for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert first.sort(pl.all()).equals(other.sort(pl.all()))
    assert first["provenance"].rle_id().max() > 10


def test_real_only_keeps_the_order_of_time() -> None:
    assert merge_rows(real(400), None, PROFILE, "real-only").train["source_row"].is_sorted()


def test_seed_rows_that_repeat_are_removed() -> None:
    doubled = pl.concat([seeds(), seeds()])
    merged = merge_rows(real(400), doubled, PROFILE, "merge")
    assert merged.report["rows"]["removed"]["seed_duplicates"] == 50
    assert merged.report["rows"]["train_seed"] == 50


def test_statistics_are_given_before_and_after() -> None:
    report = merge_rows(real(400), seeds(), PROFILE, "merge").report
    statistics = report["statistics"]
    assert statistics["before"]["real"]["rows"] + statistics["before"]["seed"]["rows"] == statistics["after"]["rows"]
    assert statistics["after"]["columns"]["a"]["count"] == statistics["after"]["rows"]


@pytest.mark.parametrize(
    ("strategy", "seed_rows", "reason"),
    [("merge", None, "MERGE_NEEDS_SEED"), ("blend", None, "MERGE_STRATEGY_UNKNOWN")],
)
def test_a_merge_that_cannot_be_done_is_refused(strategy: str, seed_rows: None, reason: str) -> None:
    with pytest.raises(SensorForgeError) as caught:
        merge_rows(real(400), seed_rows, PROFILE, strategy)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_rows_that_were_never_split_are_refused() -> None:
    with pytest.raises(SensorForgeError) as caught:
        merge_rows(real(400).drop("split"), None, PROFILE, "real-only")
    assert caught.value.reason == "MERGE_NEEDS_SPLIT"


def test_the_view_is_made_from_training_rows_and_the_table_stays_as_it_is() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"source_row": np.arange(1, 501), "a": rng.normal(50, 5, 500)})
    result = transform(table, PROFILE, RulOptions(), SplitOptions(), 0)
    assert result.table["a"].to_list() == table["a"].to_list()
    view = normalised(result.table, result.report["view"]).filter(pl.col("split") == "train")["a"]
    assert view.mean() == pytest.approx(0, abs=1e-9)
    assert view.std(ddof=0) == pytest.approx(1)
