"""The schedule of a training: what is chosen from the number of rows, and what is given and honoured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.refine.options import TrainingOptions
from services.refine.training import schedule


@pytest.mark.parametrize("rows", [100, 500, 1000, 10_000, 100_000, 1_000_000, 10_000_000])
def test_default_batches_are_at_most_an_eighth_of_the_rows_and_steps_are_bounded(rows: int) -> None:
    plan = schedule(rows)
    assert plan.batch_size <= max(16, rows // 8)
    assert plan.steps >= 2000
    assert plan.steps <= 40_000 or plan.epochs == 10


def test_what_is_given_is_honoured() -> None:
    plan = schedule(500, epochs=7, batch_size=100, learning_rate=0.5, patience=3, refinement=True)
    assert (plan.epochs, plan.batch_size, plan.learning_rate, plan.patience) == (7, 100, 0.5, 3)


def test_few_epochs_are_made_of_smaller_batches() -> None:
    assert schedule(10_000, epochs=8).batch_size == 64
    assert schedule(10_000, epochs=8, batch_size=256).batch_size == 256
    assert schedule(10_000, epochs=8).steps < schedule(10_000).steps
    assert schedule(500, epochs=8) == replace(schedule(500), epochs=8)


def test_rows_enough_for_it_take_four_thousand_steps_from_scratch_and_are_patient() -> None:
    assert schedule(6000).steps >= 4000
    assert schedule(6000).patience > schedule(6000, refinement=True).patience
    assert schedule(500).steps == schedule(500, refinement=True).steps
    assert schedule(6000, epochs=400).patience > schedule(6000).patience


@pytest.mark.parametrize(("asked", "flow", "tvae"), [(None, True, False), (True, True, True), (False, False, False)])
def test_calibration_is_what_was_asked_for_or_what_serves_the_engine(
    asked: bool | None, flow: bool, tvae: bool
) -> None:
    options = TrainingOptions(calibrate=asked)
    assert (options.calibrates("flow"), options.calibrates("tvae")) == (flow, tvae)


def test_refinement_learns_ten_times_slower() -> None:
    assert schedule(500, refinement=True).learning_rate == pytest.approx(schedule(500).learning_rate / 10)
