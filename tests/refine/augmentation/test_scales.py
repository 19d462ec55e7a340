"""Each sensor moves on the scale on which its noise is steady, and comes back from it as it was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.refine.augmentation.blending import Donors
from services.refine.augmentation.scales import Scale, fit_scales
from services.refine.normal_scores import NormalScores


def worn(noise: str, runs: int = 20, seed: int = 0) -> list[NDArray[np.float64]]:
    """Returns runs that stay near 10 and rise to 80 at their end, under noise that is alike everywhere, or a share."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        level = 10 + 70 * (np.arange(200) / 199) ** 6
        errors = rng.normal(size=200)
        found.append(level + errors if noise == "alike" else level * np.exp(0.05 * errors))
    return found


@pytest.mark.parametrize(("noise", "kind"), [("alike", "unit"), ("a share", "log")])
def test_the_scale_is_the_one_on_which_noise_does_not_depend_on_the_level(noise: str, kind: str) -> None:
    runs = worn(noise)
    scores = NormalScores.fit(np.concatenate(runs))
    encoded = [scores.encode(run)[:, None] for run in runs]
    scales = fit_scales([scores], encoded)
    assert scales.columns[0].kind == kind
    there = scales.of(encoded[0])
    early, late = (float(np.diff(part, axis=0).std()) for part in (there[:120], there[180:]))
    assert late / early < 1.5
    assert np.allclose(scores.decode(scales.back(there)[:, 0]), runs[0], rtol=1e-3)


def test_a_column_that_is_steady_in_normal_scores_stays_in_them() -> None:
    rng = np.random.default_rng(1)
    runs = [rng.normal(size=300) for _ in range(10)]
    scores = NormalScores.fit(np.concatenate(runs))
    assert fit_scales([scores], [scores.encode(run)[:, None] for run in runs]).columns[0].kind == "score"


def test_readings_are_as_scattered_after_rounding_as_the_real_ones_were() -> None:
    rng = np.random.default_rng(2)
    real = np.round(rng.normal(20, 1.2, 20_000))
    scale = Scale(NormalScores.fit(real), "unit", 20.0, 1.0)
    before = np.sqrt(real.var() - scale.rounding)
    drawn = scale.scores.decode(scale.back(before * rng.normal(size=20_000)))
    assert drawn.std() == pytest.approx(real.std(), rel=0.02)


def test_each_life_leads_as_often_as_any_other_and_gives_its_share() -> None:
    rng = np.random.default_rng(3)
    donors = Donors.of([rng.normal(size=(100, 4)).astype(np.float32) for _ in range(5)])
    assert donors is not None
    noise = rng.normal(size=(1000, 4)).astype(np.float32)
    runs = np.split(donors.blended(noise, [100] * 10, 0.64, rng), 10)
    found = [[np.corrcoef(run.ravel(), life.ravel())[0, 1] for life in donors.lives] for run in runs]
    assert np.bincount(np.argmax(found, 1)).tolist() == [2] * 5
    assert np.max(found, 1) == pytest.approx(np.full(10, 0.8), abs=0.1)
