"""What is asked of rows is met by each of them, in sets of exact sizes: conditions, rare rows, real rows among them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from tests.refine.augmentation.conftest import Augment, Augmented


def test_every_row_meets_the_condition_and_sizes_stay_exact(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 400, "where": "rul < 0.5 and mode == 'run'"})
    assert made.every.height == 400
    assert (made.every["rul"] < 0.5).all()
    assert set(made.every["mode"].unique()) == {"run"}
    for (_,), run in made.every.group_by(["run_id"]):
        assert (np.diff(run["rul"].to_numpy()) < 0).all()


def test_a_condition_on_a_sensor_is_met(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 300, "where": "vib > 5"})
    assert made.every.height == 300
    assert (made.every["vib"] > 5).all()


@pytest.mark.parametrize(
    ("where", "reason", "says"),
    [
        ("rul < 0", "WHERE_UNSATISFIED", ""),
        ("rul > 900", "WHERE_UNSATISFIED", "between"),
        ("temp > 1000", "WHERE_UNSATISFIED", "between 0 and 100"),
        ("rul < 1 and rul > 2", "WHERE_UNSATISFIED", ""),
        ("temp < 12", "WHERE_UNSATISFIED", "generated rows"),
        ("mode == 'broken'", "WHERE_INVALID", "'idle', 'run'"),
        ("pressure < 3", "WHERE_INVALID", "no column"),
        ("rul <", "WHERE_INVALID", "its end"),
    ],
)
def test_a_condition_that_cannot_be_met_or_read_is_refused(
    augment: Augment, table: pl.DataFrame, where: str, reason: str, says: str
) -> None:
    with pytest.raises(SensorForgeError) as refused:
        augment(table, {"rows": 100, "where": where})
    assert refused.value.reason == reason
    assert says in refused.value.message


def test_real_rows_are_mixed_into_the_training_set_alone(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 1000, "mix_real": 0.4})
    real = made.train.filter(pl.col("run_id").str.starts_with("real-"))
    assert real.height == 280
    assert made.train.height == 700
    assert not made.val["run_id"].str.starts_with("real-").any()
    assert made.train["timestamp"].is_sorted()
    seen = table.filter(pl.col("split") == "train").select("temp", "flow", "vib", "rul")
    assert (
        real.select("temp", "flow", "vib", "rul").join(seen, on=["temp", "flow", "vib", "rul"], how="anti").height == 0
    )
    for (_,), run in real.group_by(["run_id"]):
        assert (np.diff(run["rul"].to_numpy()) < 0).all()


def share_of(made: Augmented, condition: pl.Expr) -> list[float]:
    return [float(rows.select(condition.mean()).item()) for rows in (made.train, made.val, made.test)]


def test_rare_rows_are_oversampled_to_the_share_asked_for_in_each_set(augment: Augment, table: pl.DataFrame) -> None:
    plain = augment(table, {"rows": 1500})
    made = augment(table, {"rows": 1500, "oversample": "rul < 0.2", "share": 0.4})
    assert made.every.height == 1500
    assert max(share_of(plain, pl.col("rul") < 0.2)) < 0.2
    assert all(0.4 <= share < 0.46 for share in share_of(made, pl.col("rul") < 0.2))
    assert any("not the machine's own proportions" in text for text in made.report["disclosures"])


def test_a_rare_state_is_oversampled_and_everything_else_is_still_true(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 800, "oversample": "mode == 'idle'", "share": 0.6})
    assert all(share >= 0.6 for share in share_of(made, pl.col("mode") == "idle"))
    assert "failed" not in made.report["gates"].values()
    assert made.every["timestamp"].is_sorted()


def test_what_is_common_anyway_is_not_made_rarer(augment: Augment, table: pl.DataFrame) -> None:
    plain = augment(table, {"rows": 1500})
    made = augment(table, {"rows": 1500, "oversample": "mode == 'run'", "share": 0.05})
    assert share_of(made, pl.col("mode") == "run")[0] == pytest.approx(
        share_of(plain, pl.col("mode") == "run")[0], abs=0.1
    )


def test_oversampling_keeps_to_the_condition_on_every_row(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 500, "where": "rul < 1", "oversample": "mode == 'idle'", "share": 0.5})
    assert (made.every["rul"] < 1).all()
    assert all(share >= 0.5 for share in share_of(made, pl.col("mode") == "idle"))


@pytest.mark.parametrize(
    ("rare", "reason", "says"),
    [
        ("temp > 1000", "WHERE_UNSATISFIED", "between 0 and 100"),
        ("mode == 'broken'", "WHERE_INVALID", "never"),
        ("temp < 12", "WHERE_UNSATISFIED", "generated rows"),
    ],
)
def test_rare_rows_that_the_machine_cannot_have_are_refused(
    augment: Augment, table: pl.DataFrame, rare: str, reason: str, says: str
) -> None:
    with pytest.raises(SensorForgeError) as refused:
        augment(table, {"rows": 100, "oversample": rare, "share": 0.2})
    assert refused.value.reason == reason
    assert says in refused.value.message
