"""Engines on a device that is not the processor.

Nothing here needs a CUDA device: torch's `meta` device computes shapes alone, refuses a tensor of another device and
gives none to numpy, as CUDA does. What a kernel finds, it cannot tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.refine.critic import TupleClassifier
from services.refine.engines import Layout, create_engine
from services.refine.engines.network import Network
from services.refine.training import Rows, Training
from tests.refine.known_joint import KINDS, PLAN, SMALL, joint

META = torch.device("meta")
LAYOUT = Layout.unnamed(4, 1)


@pytest.fixture(autouse=True)
def values_of_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors without values say what lets a training go on: no, there are gaps; yes, there is a frame."""
    told = torch.Tensor.__bool__
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda tensor: tensor.device != META and told(tensor))
    monkeypatch.setattr(Network, "framed", True)
    listed = torch.Tensor.tolist
    monkeypatch.setattr(
        torch.Tensor,
        "tolist",
        lambda tensor: listed(torch.ones(tensor.shape) if tensor.device == META else tensor),
    )
    copied = torch.Tensor.cpu
    monkeypatch.setattr(
        torch.Tensor,
        "cpu",
        lambda tensor: torch.ones(tensor.shape, dtype=tensor.dtype) if tensor.device == META else copied(tensor),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_step_has_every_tensor_on_the_engines_device(kind: str) -> None:
    scores, conditions = joint(200)
    scores[3, 1] = np.nan
    rows = Rows(scores, conditions, np.linspace(1, 2, 200))
    engine = create_engine(kind, LAYOUT, SMALL).to(META)
    training = Training(engine, rows, rows, replace(PLAN, replay=0.2, l2_sp=0.1), replayed=rows)
    training._rows.shuffle(1)
    assert training._optimise(0).device == META
    assert {part.device for part in (training._weights, training._average, training._mean, training._square)} == {META}


@pytest.mark.parametrize("kind", KINDS)
def test_sampling_and_encoding_have_every_tensor_on_the_engines_device(kind: str) -> None:
    engine = create_engine(kind, LAYOUT, SMALL).to(META)
    c = torch.zeros(50, len(LAYOUT.conditions), device=META)
    with torch.no_grad():
        scores = engine.to_scores(4)(torch.zeros(50, engine.noise_width, device=META), c)
        noise = engine.to_noise(scores, c, 4, torch.Generator())
    assert (scores.device, noise.device) == (META, META)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_engine_hands_over_has_left_its_device(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "cov", lambda rows: rows @ rows.T)  # torch.cov has no shapes for `meta`
    scores, conditions = joint(60)
    scores[3, 1] = np.nan
    engine = create_engine(kind, LAYOUT, SMALL).to(META)
    engine.settle(scores, conditions)
    handed_over = [
        engine.sample(60, conditions),
        engine.encode(scores, conditions),
        engine.row_losses(scores, conditions),
        *engine.weights().values(),
    ]
    assert {type(values) for values in handed_over} == {np.ndarray}


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_state_has_left_the_engines_device(kind: str) -> None:
    rows = Rows(*joint(60))
    training = Training(create_engine(kind, LAYOUT, SMALL).to(META), rows, rows, PLAN)
    assert {type(values) for values in training.state()[1].values()} == {np.ndarray}


def test_ratios_of_a_critic_have_left_its_device() -> None:
    scores, _ = joint(60)
    tuples = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    critic = TupleClassifier(Layout.unnamed(4, 4), SMALL).to(META)
    assert critic.log_ratios(scores, tuples).shape == (60,)
