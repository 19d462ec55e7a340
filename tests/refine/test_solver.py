"""The flow's solver: it has the velocity of training, and few evaluations take it nearly where many do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import torch

from services.refine.checkpoint import pack, unpack
from services.refine.codec import Codec
from services.refine.engines import FlowEngine, Layout, create_engine
from services.refine.engines.linear import linear
from services.refine.model import Model, layout_of
from services.refine.training import Rows, train
from tests.refine.known_joint import PLAN, SMALL, joint


def test_rows_that_share_a_time_have_the_velocity_of_training() -> None:
    engine = create_engine("flow", Layout.unnamed(4, 2), SMALL)
    assert isinstance(engine, FlowEngine)
    rng = np.random.default_rng(0)
    x, c = (torch.from_numpy(rng.standard_normal((50, width), dtype=np.float32)) for width in (4, 2))
    moved = torch.from_numpy(rng.standard_normal((4, 4), dtype=np.float32))
    with torch.no_grad():
        slope = engine._slope(0.3, moved, torch.linalg.inv(moved), torch.full((4,), 0.7))
        given, trained = linear(c, engine._split_input()[2]), engine.velocity(x, torch.full((50,), 0.3), c)
        back = torch.linalg.inv(moved).T
        torch.testing.assert_close(slope(x @ back, given), trained @ back - 0.7 * x @ back, rtol=1e-4, atol=1e-4)


def test_five_evaluations_take_a_row_nearly_where_sixty_take_it() -> None:
    (x, c), (v, vc) = joint(3000), joint(500, 1)
    engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
    train(engine, Rows(x, c), Rows(v, vc), PLAN)
    few, many = (engine.sample(2000, np.zeros((2000, 1), np.float32), evaluations=n) for n in (5, 60))
    assert np.abs(few - many).mean() < 0.05


def test_a_fitted_solver_takes_four_evaluations_as_far_as_five() -> None:
    (x, c), (v, vc), condition = joint(3000), joint(500, 1), np.ones((2000, 1), np.float32)
    x, v = (np.where(rows > 0, rows, -rows / 2).astype(np.float32) for rows in (x, v))
    engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
    train(engine, Rows(x, c), Rows(v, vc), PLAN)
    there = engine.sample(2000, condition, seed=1, evaluations=60)
    fitted, five = (np.abs(engine.sample(2000, condition, seed=1, evaluations=n) - there).mean() for n in (4, 5))
    assert fitted < 1.15 * five
    fresh = create_engine("flow", engine.layout, SMALL)
    fresh.load_weights(engine.weights() | {"solver": fresh.weights()["solver"]})
    assert fitted < 0.9 * np.abs(fresh.sample(2000, condition, seed=1, evaluations=4) - there).mean()


def test_scores_that_are_normal_need_one_evaluation_only() -> None:
    """The velocity of N(0, w) scores is known; in the solver's coordinates it leaves nothing to integrate."""
    engine = create_engine("flow", Layout.unnamed(2), SMALL)
    assert isinstance(engine, FlowEngine)
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((4000, 2)) @ np.array([[1.0, 0.0], [0.8, 0.6]]).T).astype(np.float32)
    engine.fit_frame(x)
    framed = np.linalg.eigh(np.cov((x @ engine.weights()["frame"]).T))
    spread, directions = (torch.from_numpy(part).float() for part in framed)

    def velocity(at: torch.Tensor, t: float) -> torch.Tensor:
        return (at @ directions * ((spread * t - (1 - t)) / ((1 - t) ** 2 + spread * t**2))) @ directions.T

    def slope_at(t: float, moved: torch.Tensor, back: torch.Tensor, drift: torch.Tensor) -> Callable[..., torch.Tensor]:
        return lambda y, given: velocity(y @ moved.T, t) @ back.T - y * drift

    engine._slope = slope_at  # type: ignore[method-assign]
    sampled = engine.sample(4000, evaluations=1)
    np.testing.assert_allclose(np.cov(sampled.T), np.cov(x.T), atol=0.05)


def test_a_model_that_was_stored_without_a_solver_gets_one() -> None:
    table = pl.DataFrame(dict(zip("abcd", joint(300)[0].T.astype(float), strict=True)))
    codec = Codec.fit(table)
    model = Model("press", create_engine("flow", layout_of(codec, provenance=False), SMALL), codec, "seed")
    document, weights = model.to_files()
    stored, arrays = unpack(weights)
    del arrays["engine.solver"]
    fitted = Model.from_files(document, pack(stored, arrays)).engine.weights()["solver"]
    expected = model.engine
    expected.settle(codec.encode(table).scores, None)
    np.testing.assert_array_equal(fitted, expected.weights()["solver"])
