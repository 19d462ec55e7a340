"""Both engines: they learn a known joint, obey conditions, go back and forth, and resume as if never stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.chassis.errors import SensorForgeError
from services.refine.checkpoint import pack, unpack
from services.refine.engines import Engine, FlowEngine, Layout, Shape, TvaeEngine, create_engine, find_device
from services.refine.engines.linear import Linear, linear
from services.refine.options import TrainingOptions
from services.refine.training import Rows, Schedule, Training, train

KINDS = ("flow", "tvae")
SMALL = Shape(width=48, depth=3, latent=6)
PLAN = Schedule(epochs=15, batch_size=128, steps_per_epoch=30, learning_rate=1e-2)


def joint(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four correlated N(0, 1) columns; the condition shifts the first by two."""
    rng = np.random.default_rng(seed)
    shared, condition = rng.normal(size=rows), rng.integers(0, 2, rows)
    columns = [shared, 0.9 * shared + 0.436 * rng.normal(size=rows), -0.6 * shared + 0.8 * rng.normal(size=rows)]
    scores = np.column_stack([*columns, rng.normal(size=rows)])
    scores[:, 0] += 2 * condition
    return scores.astype(np.float32), condition[:, None].astype(np.float32)


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest) -> Engine:
    engine = create_engine(request.param, Layout.unnamed(4, 1), SMALL)
    (x, c), (v, vc) = joint(3000), joint(500, 1)
    train(engine, Rows(x, c), Rows(v, vc), PLAN)
    return engine


def test_a_known_joint_is_learnt(trained: Engine) -> None:
    x, c = joint(4000, 2)
    sampled = trained.sample(4000, c, seed=3)
    error = np.abs(np.corrcoef(x.T) - np.corrcoef(sampled.T)).max()
    assert error < 0.1
    assert np.abs(sampled.std(0) / x.std(0) - 1).max() < 0.12


def test_conditions_move_the_rows(trained: Engine) -> None:
    ones, zeros = np.ones((2000, 1), np.float32), np.zeros((2000, 1), np.float32)
    difference = trained.sample(2000, ones).mean(0) - trained.sample(2000, zeros).mean(0)
    np.testing.assert_allclose(difference, [2, 0, 0, 0], atol=0.2)


def test_encoding_then_decoding_gives_the_row_back(trained: Engine) -> None:
    x, c = joint(300, 4)
    noise = trained.encode(x, c, evaluations=60)
    assert noise.shape == (300, trained.noise_width)
    np.testing.assert_allclose(trained.decode(noise, c, evaluations=60), x, atol=0.05)


def test_rows_encode_to_about_standard_noise(trained: Engine) -> None:
    noise = trained.encode(*joint(2000, 5))
    assert np.abs(noise.mean(0)).max() < 0.35
    assert np.abs(noise.std(0) - 1).max() < 0.35


def test_an_unlikely_row_has_a_high_loss(trained: Engine) -> None:
    x, c = joint(200, 6)
    broken = x.copy()
    broken[:, 1] = -broken[:, 1] + 2
    assert trained.row_losses(broken, c).mean() > trained.row_losses(x, c).mean() + 0.2


def test_weights_survive_as_plain_arrays(trained: Engine) -> None:
    _, arrays = unpack(pack({}, trained.weights()))
    twin = create_engine(trained.kind, trained.layout, trained.shape, seed=9)
    twin.load_weights(arrays)
    condition = np.zeros((50, 1), np.float32)
    np.testing.assert_array_equal(twin.sample(50, condition), trained.sample(50, condition))


def test_a_changed_layout_keeps_what_both_name(trained: Engine) -> None:
    wider = Layout(("s3", "new", "s0", "s1", "s2"), ("c0", "provenance=real"))
    adapted = trained.adapted(wider)
    _, c = joint(500, 7)
    noise = np.random.default_rng(0).standard_normal((500, trained.noise_width), dtype=np.float32)
    latent = trained.noise_width - 4
    moved = np.concatenate([noise[:, :latent], noise[:, latent:][:, [3, 0, 0, 1, 2]]], 1)
    both = np.concatenate([c, np.ones_like(c)], 1)
    np.testing.assert_allclose(
        adapted.decode(moved, both)[:, [2, 3, 4, 0]], trained.decode(noise, c), rtol=1e-4, atol=1e-4
    )


# The frame, the solver, the prior -------------------------------------------------------------------------------------


def test_training_fits_the_frame_to_the_rows_and_refinement_keeps_it() -> None:
    (x, c), (v, vc), (y, yc) = joint(600), joint(100, 1), joint(600, 2)
    engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
    assert not engine.framed
    train(engine, Rows(x, c), Rows(v, vc), replace(PLAN, epochs=1))
    framed = x @ engine.weights()["frame"]
    widths, before = (np.sqrt(np.linalg.eigvalsh(np.cov(rows.T))) for rows in (framed, x))
    assert widths.max() / widths.min() == pytest.approx(np.sqrt(before.max() / before.min()), rel=0.1)
    refined = engine.clone()
    train(refined, Rows(-y, yc), Rows(v, vc), replace(PLAN, epochs=1))
    np.testing.assert_array_equal(refined.weights()["frame"], engine.weights()["frame"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_repeats_another_one_and_one_that_never_varies_are_learnt(kind: str) -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((600, 1), dtype=np.float32)
    x = np.concatenate([shared, shared, np.zeros_like(shared)], 1)
    engine = create_engine(kind, Layout.unnamed(3), SMALL)
    train(engine, Rows(x[:500]), Rows(x[500:]), PLAN)
    sampled = engine.sample(2000)
    assert np.isfinite(sampled).all()
    assert np.corrcoef(sampled[:, :2].T)[0, 1] > 0.98
    assert np.abs(sampled[:, 2]).max() < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_any_value_changes_nothing_for_the_others(kind: str) -> None:
    (x, c), (v, vc) = joint(1500), joint(200, 1)
    x[:, 3], v[:, 3] = np.nan, np.nan
    engine = create_engine(kind, Layout.unnamed(4, 1), SMALL)
    curve = train(engine, Rows(x, c), Rows(v, vc), PLAN)
    assert np.isfinite([result.train_loss for result in curve]).all()
    condition = np.concatenate([np.zeros((1000, 1)), np.ones((1000, 1))]).astype(np.float32)
    sampled = engine.sample(2000, condition)
    error = np.corrcoef(x[:, :3].T) - np.corrcoef(sampled[:, :3].T)
    assert np.abs(error).max() < 0.12


def test_rows_that_share_a_time_have_the_velocity_of_training() -> None:
    engine = create_engine("flow", Layout.unnamed(4, 2), SMALL)
    assert isinstance(engine, FlowEngine)
    rng = np.random.default_rng(0)
    x, c = (torch.from_numpy(rng.standard_normal((50, width), dtype=np.float32)) for width in (4, 2))
    with torch.no_grad():
        given, trained = engine._velocity_given(c)(x, 0.3), engine.velocity(x, torch.full((50,), 0.3), c)
    torch.testing.assert_close(given, trained, rtol=1e-4, atol=1e-5)


def test_five_evaluations_take_a_row_nearly_where_sixty_take_it() -> None:
    (x, c), (v, vc) = joint(3000), joint(500, 1)
    engine = create_engine("flow", Layout.unnamed(4, 1), SMALL)
    train(engine, Rows(x, c), Rows(v, vc), PLAN)
    few, many = (engine.sample(2000, np.zeros((2000, 1), np.float32), evaluations=n) for n in (5, 60))
    assert np.abs(few - many).mean() < 0.05


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

    engine._velocity_given = lambda c: velocity  # type: ignore[method-assign]
    sampled = engine.sample(4000, evaluations=1)
    np.testing.assert_allclose(np.cov(sampled.T), np.cov(x.T), atol=0.05)


def test_a_linear_layer_gives_the_same_with_and_without_gradients() -> None:
    layer, x = Linear(3, 5), torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    trained = layer(x)
    trained.sum().backward()
    assert layer.bias.grad is not None
    with torch.no_grad():
        torch.testing.assert_close(layer(x), trained)
        torch.testing.assert_close(linear(x[:, :0], torch.zeros(5, 0), layer.bias), layer.bias.expand(7, 5))


def test_the_prior_is_undone_exactly_and_knows_by_how_much_it_compressed() -> None:
    engine = create_engine("tvae", Layout.unnamed(4, 2), replace(SMALL, latent=5))
    assert isinstance(engine, TvaeEngine)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in engine.prior.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        z, c = torch.randn(1, 5, generator=generator), torch.randn(1, 2, generator=generator)
        code, stretch = engine.to_prior(z, c)
        torch.testing.assert_close(engine.from_prior(code, c), z)
    jacobian = torch.autograd.functional.jacobian(lambda row: engine.to_prior(row, c)[0], z)
    assert float(stretch) == pytest.approx(-float(torch.linalg.slogdet(jacobian[0, :, 0, :])[1]), rel=1e-4)


def test_noise_of_the_training_rows_is_standard_once_a_tvae_has_settled() -> None:
    (x, c), (v, vc) = joint(3000), joint(500, 1)
    engine = create_engine("tvae", Layout.unnamed(4, 1), SMALL)
    train(engine, Rows(x, c), Rows(v, vc), PLAN)
    noise = engine.encode(x, c)
    assert np.abs(noise.mean(0)).max() < 0.1
    assert np.abs(np.cov(noise.T) - np.eye(engine.noise_width)).max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_infinite_scores_are_refused(kind: str) -> None:
    x, c = joint(50)
    x[3, 1] = np.inf
    engine = create_engine(kind, Layout.unnamed(4, 1), SMALL)
    with pytest.raises(ValueError, match="infinite"):
        engine.row_losses(x, c)
    with pytest.raises(ValueError, match="infinite"):
        Training(engine, Rows(x, c), Rows(x[:2], c[:2]), PLAN)


def test_an_engine_without_score_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one score column"):
        create_engine("flow", Layout((), ("state=on",)))


# Devices --------------------------------------------------------------------------------------------------------------


def test_a_cuda_device_that_is_not_there_is_refused_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SensorForgeError, match="no CUDA device"):
        create_engine("flow", Layout.unnamed(3), SMALL, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(SensorForgeError, match="0 to 1 only"):
        find_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "meta", "cpu:0 "])
def test_an_unknown_device_is_refused_by_options_and_engines(name: str) -> None:
    with pytest.raises(SensorForgeError, match="unknown"):
        find_device(name)
    with pytest.raises(SensorForgeError, match="unknown"):
        TrainingOptions(device=name).check()


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_and_buffer_moves_to_the_device(kind: str) -> None:
    engine = create_engine(kind, Layout.unnamed(4, 1), SMALL, device="cpu").to("meta")
    state = [*engine.parameters(), *engine.buffers()]
    assert {tensor.device.type for tensor in state} == {"meta"}
    if isinstance(engine, FlowEngine):
        x, t, c = (torch.empty(shape, device="meta") for shape in ((7, 4), (7,), (7, 1)))
        assert engine.velocity(x, t, c).shape == (7, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_that_do_not_fit_are_named(kind: str) -> None:
    engine = create_engine(kind, Layout.unnamed(3, 1), SMALL)
    with pytest.raises(ValueError, match="do not fit"):
        engine.row_losses(np.zeros((5, 3), np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        engine.decode(np.zeros((5, 1), np.float32), np.zeros((5, 1), np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        engine.load_weights({"other": np.zeros(3)})


@pytest.mark.parametrize("kind", KINDS)
def test_missing_scores_do_not_enter_the_loss(kind: str) -> None:
    engine = create_engine(kind, Layout.unnamed(4, 1), SMALL)
    x, c = joint(64)
    x[:, 3] = np.nan
    tensors = engine.tensors(x, c, torch.Generator().manual_seed(0))
    loss = engine.losses(*tensors, torch.Generator().manual_seed(1)).mean()
    assert torch.isfinite(loss)
    loss.backward()  # type: ignore[no-untyped-call]
    last = [p for name, p in engine.named_parameters() if name.endswith("bias") and p.shape == (4,)]
    assert all(float(p.grad[3]) == 0 for p in last if p.grad is not None)


# The training loop ----------------------------------------------------------------------------------------------------


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
