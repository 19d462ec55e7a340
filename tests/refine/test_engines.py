"""Both engines: they learn a known joint, obey conditions, go back and forth, and refuse what does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.chassis.errors import SensorForgeError
from services.refine.checkpoint import pack, unpack
from services.refine.engines import Engine, FlowEngine, Layout, TvaeEngine, create_engine, find_device
from services.refine.engines.linear import Linear, linear
from services.refine.options import TrainingOptions
from services.refine.training import Rows, Training, train
from tests.refine.known_joint import KINDS, PLAN, SMALL, joint


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


# The frame, the prior -------------------------------------------------------------------------------------


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
