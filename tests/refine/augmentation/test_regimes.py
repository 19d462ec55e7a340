"""Operating regimes, levels of states and hidden hours are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from services.refine.augmentation.daily import hours_from_swing
from services.refine.augmentation.judging import rul_error, window_auc
from services.refine.augmentation.regimes import find_levels, find_regimes
from services.refine.augmentation.trend import fit_trend
from tests.refine.augmentation.conftest import Augment, lives, model_of


def flights(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Returns an altitude and a speed that are set to three combinations, and a sensor that varies freely."""
    rng = np.random.default_rng(seed)
    regime = np.repeat(rng.integers(0, 3, rows // 10), 10)
    altitude = np.array([0.0, 20.0, 42.0])[regime] + rng.normal(0, 0.002, rows)
    speed = np.array([0.0, 0.7, 0.84])[regime] + rng.normal(0, 0.0005, rows)
    return pl.DataFrame({"altitude": altitude, "speed": speed, "heat": rng.normal(100, 5, rows), "regime": regime})


def test_columns_that_are_set_to_few_values_make_regimes() -> None:
    table = flights()
    found = find_regimes(table, ["altitude", "speed", "heat"])
    assert found is not None
    assert found.names == ("altitude", "speed")
    labels = found.labels(table)
    for regime in range(3):
        assert len(np.unique(labels[table["regime"].to_numpy() == regime])) == 1
    assert len(np.unique(labels)) == 3


@pytest.mark.parametrize("values", ["normal", "uniform", "bimodal", "exponential"])
def test_sensors_that_vary_freely_make_none(values: str) -> None:
    rng = np.random.default_rng(1)
    drawn = {
        "normal": rng.normal(size=2000),
        "uniform": rng.uniform(size=2000),
        "bimodal": np.r_[rng.normal(0, 1, 1000), rng.normal(5, 1, 1000)],
        "exponential": rng.exponential(size=2000),
    }[values]
    assert find_regimes(pl.DataFrame({"x": drawn}), ["x"]) is None


def test_a_level_is_taken_off_where_sensors_jump_with_the_state_and_put_back_exactly() -> None:
    rng = np.random.default_rng(2)
    state = np.repeat(rng.integers(0, 2, 100), 10)
    scores = (3.0 * state + 0.3 * rng.normal(size=1000))[:, None].astype(np.float32)
    codes = state[:, None].astype(np.int32)
    levels = find_levels([(scores, codes)])
    assert levels is not None
    above = levels.removed(scores, codes)
    assert abs(np.corrcoef(above[:, 0], state)[0, 1]) < 0.05
    assert np.allclose(levels.restored(above, codes), scores, atol=1e-5)


def test_no_level_is_taken_off_where_a_state_only_names_what_the_sensors_do_smoothly() -> None:
    path = np.linspace(-2, 2, 1000, dtype=np.float32)[:, None]
    warned = (path > 1.5).astype(np.int32)
    assert find_levels([(path, warned)] * 3) is None


def test_regimes_come_out_of_augmentation_as_they_were_seen(augment: Augment) -> None:
    table = lives(16, seed=7)
    rng = np.random.default_rng(3)
    regime = np.repeat(rng.integers(0, 3, table.height // 12 + 1), 12)[: table.height]
    flow = np.array([5.0, 20.0, 40.0])[regime] + rng.normal(0, 0.05, table.height)
    temp = table["temp"].to_numpy() + 8.0 * regime
    table = table.with_columns(pl.Series("flow", flow), pl.Series("temp", np.clip(temp, 0, 100)))
    made = augment(table, {"rows": 1500}, model=model_of(table))
    assert any("flow are set to few values: 3 operating regimes" in text for text in made.report["disclosures"])
    near = np.abs(made.every["flow"].to_numpy()[:, None] - np.array([5.0, 20.0, 40.0]))
    assert (near.min(1) < 0.5).mean() > 0.98
    young = made.every["rul"] > 1.0  # before wear heats: which regimes a few lives end in is chance
    means = [float(made.every.filter(young & pl.Series(near.argmin(1) == k))["temp"].mean() or 0) for k in range(3)]
    assert means[2] - means[0] == pytest.approx(16, abs=4)


def test_hours_are_read_off_a_daily_swing_though_pauses_shift_it() -> None:
    rng = np.random.default_rng(4)
    t = np.arange(24 * 60)
    swing = np.sin(2 * np.pi * t / 24)[:, None] * [1.0, -0.8] + 0.7 * rng.normal(size=(len(t), 2))
    paused = np.delete(swing, np.s_[500:507], axis=0)
    hours = hours_from_swing([paused], 24.0)
    assert hours is not None
    ahead = (hours[0] - np.delete(t, np.s_[500:507])) % 24
    turned = np.angle(np.exp(2j * np.pi * (ahead - ahead[100]) / 24)) * 24 / (2 * np.pi)
    assert np.abs(turned[np.r_[50:450, 560:1300]]).max() < 2.5


def test_noise_has_no_hour() -> None:
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=(2000, 3)), axis=0)
    assert hours_from_swing([walk / walk.std(0)], 24.0) is None
    assert hours_from_swing([rng.normal(size=(2000, 3))], 24.0) is None


def test_a_trend_of_the_latent_with_remaining_life_is_taken_out_and_put_back() -> None:
    rng = np.random.default_rng(6)
    rul = rng.uniform(0, 200, 4000)
    latent = (np.stack([2 - rul / 100, np.zeros(4000)], 1) + rng.normal(size=(4000, 2))).astype(np.float32)
    trend = fit_trend(latent, rul)
    assert trend is not None
    left = trend.removed(latent, rul)
    assert abs(np.corrcoef(left[:, 0], rul)[0, 1]) < 0.05
    assert left.std(0) == pytest.approx([1, 1], abs=0.05)
    assert np.allclose(trend.restored(left, rul), latent, atol=1e-4)


def wandering(runs: int, memory: float, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    found, lives_left = [], []
    for _ in range(runs):
        x = np.zeros((120, 2))
        for k in range(1, 120):
            x[k] = memory * x[k - 1] + np.sqrt(1 - memory**2) * rng.normal(size=2)
        rul = np.arange(120)[::-1].astype(float)
        found.append(x + 2 * np.exp(-rul / 30)[:, None])
        lives_left.append(rul)
    return found, lives_left


def test_the_judge_tells_other_movement_and_not_other_runs() -> None:
    real, again, rough = wandering(12, 0.9, 0), wandering(12, 0.9, 1), wandering(12, 0.3, 2)
    assert window_auc(*real, *again) < 0.6
    assert window_auc(*real, *rough) > 0.9


def test_the_judge_knows_rows_from_which_no_remaining_life_can_be_learnt() -> None:
    real, again = wandering(12, 0.9, 0), wandering(12, 0.9, 1)
    reversed_lives = [rul[::-1] for rul in again[1]]
    assert rul_error(*again, *real) < 0.6 * rul_error(again[0], reversed_lives, *real)
