"""A sensor that is read seldom repeats its reading in generated rows too, for as long as the real one does."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from services.refine.augmentation.dwell import Record
from services.refine.augmentation.holding import fit_holds, is_held
from tests.refine.augmentation.conftest import Augment, lives

Array = NDArray[np.float64]
ROWS = 3000


def wandering(seed: int) -> Array:
    return np.asarray(np.cumsum(np.random.default_rng(seed).normal(size=ROWS)))


def read_at(values: Array, read: NDArray[np.bool_]) -> Array:
    """Returns the values repeated until they are read again."""
    return np.asarray(values[np.maximum.accumulate(np.where(read, np.arange(len(values)), 0))])


def now_and_then(seed: int, every: int = 9) -> NDArray[np.bool_]:
    return np.asarray(np.random.default_rng(seed).random(ROWS) < 1 / every)


def test_a_slow_poll_is_a_held_sensor() -> None:
    assert is_held([read_at(wandering(1), now_and_then(2))])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(wandering(3), id="moves all the time"),
        pytest.param(np.round(wandering(3) / 3), id="a grid coarser than its steps"),
        pytest.param(np.where(now_and_then(4, 2), 0.0, wandering(5)), id="rests at one value"),
        pytest.param(read_at(np.round(wandering(6) % 4), now_and_then(7)), id="set to few values"),
        pytest.param(np.full(ROWS, 3.0), id="never moves"),
    ],
)
def test_what_repeats_for_another_reason_is_left_alone(values: Array) -> None:
    assert not is_held([values])


def test_columns_that_are_read_together_jump_together() -> None:
    together, alone = now_and_then(8), now_and_then(9)
    read = np.stack([together, alone, np.ones(ROWS, bool), together], 1)
    holds = fit_holds([read], (0, 1, 3), [Record(np.zeros((ROWS, 0), np.int32))])
    assert holds is not None
    assert holds.groups == ((0, 3), (1,))
    drawn = holds.draw(ROWS, None, None, np.random.default_rng(0))
    assert drawn.mean(0) == pytest.approx([together.mean(), alone.mean()], rel=0.25)
    scores = np.random.default_rng(1).normal(size=(ROWS, 4)).astype(np.float32)
    jumps = np.diff(holds.applied(scores, drawn), axis=0) != 0
    assert (jumps[:, 0] == drawn[1:, 0]).all()
    assert (jumps[:, 3] == drawn[1:, 0]).all()
    assert (jumps[:, 1] == drawn[1:, 1]).all()
    assert jumps[:, 2].all()


def test_rows_that_are_left_out_do_not_change_when_a_sensor_is_read() -> None:
    read = now_and_then(10)[:, None]
    holds = fit_holds([read], (0,), [Record(np.zeros((ROWS, 0), np.int32))])
    assert holds is not None
    scores, keep = np.arange(ROWS, dtype=np.float32)[:, None], np.arange(ROWS) >= 1001
    whole, part = holds.applied(scores, read)[keep], holds.applied(scores[keep], read, keep)
    first = int(np.argmax(whole >= 1001))
    assert np.array_equal(part[first:], whole[first:])
    assert (part[:first] == 1001).all()


def standing(rows: pl.DataFrame) -> Array:
    """Returns for how many rows the readings of vib stand."""
    return np.concatenate([run["vib"].rle().struct.field("len").to_numpy() for (_,), run in rows.group_by(["run_id"])])


def test_generated_readings_stand_as_long_as_real_ones_and_jump_as_far(augment: Augment) -> None:
    table = lives(16, seed=6)
    again = pl.Series(np.random.default_rng(3).random(table.height) < 0.1)
    first = pl.col("run_id") != pl.col("run_id").shift().fill_null("")
    table = table.with_columns(pl.when(again | first).then("vib").forward_fill().alias("vib"))
    made = augment(table, {"rows": 3000})
    real = standing(table.filter(pl.col("split") == "train"))
    assert standing(made.every).mean() == pytest.approx(real.mean(), rel=0.2)
    jumps = [rows.select(pl.col("vib").diff().over("run_id").abs()).to_series() for rows in (table, made.every)]
    median = [float(np.median(jump.filter(jump > 0).to_numpy())) for jump in jumps]
    assert median[1] == pytest.approx(median[0], rel=0.5)
    assert any("vib" in text and "read" in text for text in made.report["disclosures"])
