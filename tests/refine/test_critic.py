"""The critic: sampled rows whose states and numbers do not go together are drawn again, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.refine.codec import Codec, Encoded
from services.refine.critic import Critic, fit_critic, one_hot
from services.refine.engines import Shape, create_engine
from services.refine.model import Model, layout_of
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining
from services.refine.training import Schedule


def rows(n: int, seed: int, *, blurred: float = 0.0) -> pl.DataFrame:
    """Two loads; the machine fails where their sum is large. `blurred` rows lie on the wrong side of that line."""
    rng = np.random.default_rng(seed)
    loads = rng.normal(size=(n, 2))
    fails = loads.sum(1) + blurred * rng.normal(size=n) > 2.6
    return pl.DataFrame({"a": loads[:, 0], "b": loads[:, 1], "failure": fails})


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec.fit(rows(4000, 0))


@pytest.fixture(scope="module")
def critic(codec: Codec) -> Critic:
    real, held, sampled = (codec.encode(table) for table in (rows(4000, 0), rows(500, 1), rows(8000, 2, blurred=0.6)))
    fitted = fit_critic(codec, real, held, sampled)
    assert fitted is not None
    return fitted


def test_rows_on_the_wrong_side_are_drawn_again(codec: Codec, critic: Critic) -> None:
    table = rows(6000, 3, blurred=0.6)
    kept = critic.keeps(codec, codec.encode(table), np.random.default_rng(0))
    right = (table["a"] + table["b"] > 2.6).to_numpy() == table["failure"].to_numpy()
    failing = table["failure"].to_numpy()
    for kind in (failing, ~failing):
        assert kept[~right & kind].mean() < 0.3 * kept[right & kind].mean()
    assert kept[right].mean() > 0.5
    assert right[kept].mean() > 0.99 > right.mean()


def test_it_survives_as_plain_arrays(codec: Codec, critic: Critic) -> None:
    engine = create_engine("flow", layout_of(codec, provenance=False), Shape(width=16, depth=2))
    model = Model("press", engine, codec, "seed", critic=critic)
    stored = Model.from_files(*model.to_files())
    assert stored.sample(300, seed=1).equals(model.sample(300, seed=1))
    assert not model.sample(300, seed=1).equals(replace(model, critic=None).sample(300, seed=1))


def test_states_are_as_common_as_they_were(codec: Codec, critic: Critic) -> None:
    engine = create_engine("flow", layout_of(codec, provenance=False), Shape(width=16, depth=2))
    model = Model("press", engine, codec, "seed", critic=critic)
    with_critic, without = (m.sample(2000, seed=3)["failure"].sum() for m in (model, replace(model, critic=None)))
    assert with_critic == without


def test_a_table_without_rare_states_has_none() -> None:
    table = rows(600, 0).with_columns(failure=pl.col("a") > 0)
    codec = Codec.fit(table)
    encoded = codec.encode(table)
    assert fit_critic(codec, encoded, encoded, encoded) is None
    numbers = table.drop("failure")
    codec = Codec.fit(numbers)
    encoded = codec.encode(numbers)
    assert fit_critic(codec, encoded, encoded, encoded) is None


def test_validation_rows_that_clearly_speak_against_it_prevent_it(codec: Codec) -> None:
    wrong = rows(4000, 0).with_columns(failure=pl.col("a") - pl.col("b") > 2.6)
    held, sampled = codec.encode(rows(2000, 1)), codec.encode(rows(8000, 2))
    assert fit_critic(codec, codec.encode(wrong), held, sampled) is None


def test_tuples_that_were_not_seen_are_one_of_their_own() -> None:
    tuples = np.array([[0, 1], [2, 0]], np.int32)
    codes = np.array([[2, 0], [1, 1], [0, 1], [3, 3]], np.int32)
    assert one_hot(tuples, codes).argmax(1).tolist() == [1, 2, 0, 2]


def test_what_is_missing_is_not_looked_at(critic: Critic, codec: Codec) -> None:
    encoded = codec.encode(rows(200, 5))
    gone = Encoded(np.full_like(encoded.scores, np.nan), encoded.codes)
    assert critic.keeps(codec, gone, np.random.default_rng(0)).any()


def test_a_training_on_rare_states_ends_with_a_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.refine.critic.PLAN", Schedule(1, 64, 10, 1e-2))
    training = OriginalTraining("press", rows(2000, 0), options=TrainingOptions(epochs=1))
    list(training.epochs())
    model, report = training.result()
    assert model.critic is not None
    assert model.critic.states == ("failure",)
    assert report["critic"] is True
