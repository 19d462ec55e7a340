"""The training loop: it resumes as if never stopped, stops in time, and honours what its schedule says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.refine.checkpoint import pack, unpack
from services.refine.engines import Layout, create_engine
from services.refine.training import Rows, Schedule, Training, train
from tests.refine.known_joint import KINDS, PLAN, SMALL, joint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stopped_after", [1, 4])
def test_a_resumed_training_ends_with_identical_weights(kind: str, stopped_after: int) -> None:
    plan = replace(PLAN, epochs=6, batch_size=64, steps_per_epoch=10, l2_sp=1e-3, replay=0.25)
    (x, c), (v, vc), (r, rc) = joint(400), joint(100, 1), joint(300, 2)
    x[::7, 2] = np.nan  # so that filler noise is drawn as well
    weights = np.linspace(0.5, 1.5, 400)

    def begin(state: object = None) -> Training:
        engine = create_engine(kind, Layout.unnamed(4, 1), SMALL)
        return Training(
            engine,
            Rows(x, c, weights),
            Rows(v, vc),
            plan,
            seed=5,
            replayed=Rows(r, rc),
            state=state,  # type: ignore[arg-type]
        )

    whole = begin()
    kept = None
    for result in whole.epochs():
        if result.epoch == stopped_after:
            kept = pack(*whole.state())
    assert kept is not None
    resumed = begin(unpack(kept))
    assert [result.epoch for result in resumed.epochs()] == list(range(stopped_after + 1, 7))
    expected, found = whole.finish().weights(), resumed.finish().weights()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    strip = [replace(result, seconds=0) for result in whole.curve]
    assert [replace(result, seconds=0) for result in resumed.curve] == strip


@pytest.mark.parametrize("kind", KINDS)
def test_training_stops_when_patience_runs_out_and_keeps_the_best(kind: str) -> None:
    x, c = joint(40)
    v, vc = joint(40, 1)
    engine = create_engine(kind, Layout.unnamed(4, 1))
    curve = train(engine, Rows(x, c), Rows(v, vc), Schedule(200, 16, 20, 1e-2, patience=3))
    assert len(curve) < 200
    assert curve[-1].patience_left == 0
    assert curve[-1].best_validation_loss == min(result.validation_loss for result in curve)


def test_a_frozen_encoder_does_not_move() -> None:
    engine = create_engine("tvae", Layout.unnamed(4, 1), SMALL)
    before = engine.weights()
    (x, c), (v, vc) = joint(300), joint(100, 1)
    train(engine, Rows(x, c), Rows(v, vc), replace(PLAN, epochs=2, freeze_encoder=True))
    for name, value in engine.weights().items():
        assert np.array_equal(value, before[name]) == name.startswith("encoder")


def test_l2_sp_keeps_weights_near_the_base() -> None:
    (x, c), (v, vc) = joint(300), joint(100, 1)
    distances = []
    for pull in (0.0, 1.0):
        engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
        before = engine.weights()
        train(engine, Rows(x, c), Rows(v, vc), replace(PLAN, epochs=3, l2_sp=pull))
        distances.append(sum(float(((w - before[name]) ** 2).sum()) for name, w in engine.weights().items()))
    assert distances[1] < 0.2 * distances[0]


def test_a_batch_larger_than_the_data_is_filled_by_several_passes() -> None:
    (x, c), (v, vc) = joint(50), joint(30, 1)
    engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
    assert len(train(engine, Rows(x, c), Rows(v, vc), Schedule(2, 200, 3, 1e-3))) == 2


def test_no_rows_are_refused() -> None:
    empty = np.zeros((0, 4), np.float32)
    with pytest.raises(ValueError, match="len\\(rows\\)=0"):
        Training(create_engine("flow", Layout.unnamed(4), SMALL), Rows(empty), Rows(empty), PLAN)
