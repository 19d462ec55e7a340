"""How candidates are chosen: on validation rows, on hold-outs where these are few, and against the control."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.refine.candidates import Candidate, Candidates
from services.refine.judging import choose
from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.proposals import share_of_rate
from services.refine.refinement import Refinement
from services.refine.training import EpochResult, Rows, Schedule
from tests.refine.conftest import MACHINE, PROFILE, original, pump
from tests.refine.refining import HELD, QUICK, REAL, refine

UNDECIDED = {"epochs": 2, "learning_rate": 1e-9}  # neither the real rows nor the merged ones move the base


def test_below_a_thousand_rows_hold_outs_choose_where_validation_rows_do_not() -> None:
    base = original("flow")
    both = pl.concat([pump(600).with_columns(provenance=pl.lit("seed")), REAL.with_columns(provenance=pl.lit("real"))])
    refinement, report = chosen_strategy(both, base)
    choice = report["choice"]
    assert choice["hold_outs"] == 3
    assert choice["validation_rows"] == HELD.height
    assert 0.3 * REAL.height < choice["held_out_rows"] < 0.7 * REAL.height
    assert "3 hold-outs" in report["why"]
    assert {entry["name"] for entry in report["candidates"]} == {"control", "refined", "merged", "scratch"}
    assert {len(report["curves"][name]) for name in ("refined", "merged", "scratch")} == {2}
    assert refinement.quality_so_far(refinement.training.ready[1]) is None


def test_a_thousand_rows_are_judged_on_validation_rows_alone() -> None:
    real = pump(1000, 1, real=True).with_columns(provenance=pl.lit("real"))
    both = pl.concat([pump(600).with_columns(provenance=pl.lit("seed")), real])
    _, report = chosen_strategy(both, original("flow"))
    assert not report["choice"]["decided"]
    assert report["choice"]["hold_outs"] == 0
    assert "hold-out" not in report["why"]


def chosen_strategy(rows: pl.DataFrame, base: Model):
    refinement = Refinement(
        MACHINE, rows, HELD, profile=PROFILE, base=base, options=TrainingOptions(**UNDECIDED), choose_strategy=True
    )
    list(refinement.epochs())
    return refinement, refinement.result()[1]


def test_a_clear_lead_needs_no_hold_out(flow_base: Model) -> None:
    _, _, report = refine(REAL, flow_base, **UNDECIDED)  # a trained base that stays, and nothing learnt from scratch
    assert report["choice"]["decided"]
    assert report["choice"]["hold_outs"] == 0


def test_no_hold_out_is_made_where_there_is_nothing_to_choose() -> None:
    _, _, report = refine(REAL, None, epochs=2)
    assert report["choice"]["hold_outs"] == 0


def test_hold_outs_go_on_until_the_lead_is_larger_than_chance() -> None:
    even = np.zeros(30)
    clear = {"a": even, "b": even + 1 + np.linspace(-0.1, 0.1, 30)}
    close = {"a": even, "b": even + 0.01 + np.linspace(-1, 1, 30)}
    assert choose(clear).decided
    assert not choose(close).decided
    assert choose(close, [clear, clear]).decided
    assert choose(close, [clear]).held_out_rows == 30


def test_seed_rows_nobody_asked_for_need_a_lead_that_is_larger_than_chance() -> None:
    even = np.zeros(30)
    close = {"refined": even + 0.01 + np.linspace(-1, 1, 30), "merged": even}
    assert choose(close).name == "merged"
    assert choose(close, last_resort="merged").name == "refined"
    assert "within chance" in choose(close, last_resort="merged").why
    assert choose({"refined": even + 1, "merged": even}, last_resort="merged").name == "merged"


def curve(losses: list[float], epochs: int = 50) -> list[EpochResult]:
    """Returns the curve of so many epochs of a longer training."""
    best = np.minimum.accumulate(losses).tolist()
    return [EpochResult(k + 1, epochs, 0.0, loss, best[k], 1e-3, 0.0, 10) for k, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "behind"),
    [
        ([2.0 - 0.01 * k for k in range(20)], True),  # 30 epochs to go at .01: 1.63 at most
        ([2.0 - 0.06 * k for k in range(20)], False),
        ([2.0] * 10, False),  # too early to say
        ([2.0] * 50, False),  # at its end anyway
    ],
    ids=["hopeless", "may-catch-up", "too-early", "ended"],
)
def test_a_candidate_is_behind_when_its_pace_does_not_lead_to_the_best_loss(losses: list[float], behind: bool) -> None:
    engine, rows = original("flow").engine, Rows(np.zeros((1, 5), np.float32))
    first = Candidate("refined", "refined", engine, rows, rows, Schedule(50, 1, 1, 1e-3), curve=curve([1.0] * 50))
    second = Candidate("scratch", "scratch", engine, rows, rows, Schedule(50, 1, 1, 1e-3), curve=curve(losses))
    assert Candidates([first, second]).behind(second) is behind
    assert not Candidates([first, second]).behind(first)


@pytest.mark.parametrize(("gain", "behind"), [(0.1, True), (0.2, False)], ids=["hopeless", "may-catch-up"])
def test_a_candidate_is_behind_when_doublings_of_its_epochs_bring_too_little(gain: float, behind: bool) -> None:
    engine, rows = original("flow").engine, Rows(np.zeros((1, 5), np.float32))
    first = Candidate("refined", "refined", engine, rows, rows, Schedule(50, 1, 1, 1e-3), curve=curve([1.0] * 50))
    second = Candidate("scratch", "scratch", engine, rows, rows, Schedule(50, 1, 1, 1e-2))
    for done, expected in ((10, False), (11, behind)):  # after 11 epochs of 50 there are 2.2 doublings left
        second.curve = curve([2.0 - gain * np.log2(k + 1) for k in range(done)])
        assert Candidates([first, second]).behind(second) is expected


@pytest.mark.parametrize(
    ("rate", "lead", "behind"),
    [(1e-3, 0.1, True), (1e-3, -0.1, False), (1e-2, 0.1, False)],
    ids=["outrun", "ahead", "of-another-rate"],
)
def test_of_two_like_schedules_the_one_behind_after_a_third_is_ended(rate: float, lead: float, behind: bool) -> None:
    engine, rows = original("flow").engine, Rows(np.zeros((1, 5), np.float32))
    falling = np.maximum(2.0 - 0.05 * np.arange(50), 1.0).tolist()
    first = Candidate("refined", "refined", engine, rows, rows, Schedule(50, 1, 1, 1e-3), curve=curve(falling))
    second = Candidate("scratch", "scratch", engine, rows, rows, Schedule(50, 1, 1, rate))
    for done, expected in ((14, False), (15, behind)):
        second.curve = curve([loss + lead for loss in falling[:done]])
        assert Candidates([first, second]).behind(second) is expected


def test_a_candidate_that_cannot_catch_up_is_not_trained_to_its_end_even_after_a_crash(flow_base: Model) -> None:
    def begin(data: bytes | None = None) -> Refinement:
        options = replace(QUICK, epochs=20, learning_rate=1e-5)  # too low a rate to come anywhere from scratch
        return Refinement(MACHINE, REAL, HELD, profile=PROFILE, base=flow_base, options=options, data=data)

    whole = begin()
    states = [whole.state() for _ in whole.training.epochs()]
    report = whole.result()[1]
    ended = len(report["curves"]["scratch"])
    assert ended < 20
    assert f"scratch was ended after {ended} of 20 epochs" in report["why"]
    resumed = begin(states[-1])
    assert list(resumed.training.epochs()) == []
    again = resumed.result()[1]
    assert again["curves"] == report["curves"]
    assert again["choice"] == report["choice"]


def test_what_loses_to_the_control_is_not_promoted(flow_base: Model) -> None:
    _, model, report = refine(REAL.drop("rul"), flow_base, HELD.drop("rul"), epochs=1, learning_rate=1.0)
    assert report["chosen"] == "control"
    assert report["choice"]["over_control"]["mean"] < 0
    assert "control" in report["why"]
    assert any(notice["code"] == "CONTROL_WON" for notice in report["notices"])
    for name, value in flow_base.engine.weights().items():
        np.testing.assert_array_equal(model.engine.weights()[name], value)


def test_trained_candidates_are_measured_in_the_same_frame(base: Model) -> None:
    refinement, _, _ = refine(REAL, base, epochs=1)
    frames = {c.name: c.engine.weights().get("frame") for c in refinement.training.ready}
    np.testing.assert_array_equal(frames["refined"], frames["scratch"])


def test_the_more_rows_there_are_the_faster_a_base_is_left() -> None:
    for kind in ("flow", "tvae"):
        shares = [share_of_rate(kind, rows) for rows in (100, 500, 1000, 3000, 10_000, 1_000_000)]
        assert shares[:3] == pytest.approx([0.1] * 3)
        assert shares[2] < shares[3] < shares[4] == pytest.approx(shares[5])


def test_refining_a_refined_model_does_not_lower_the_rate_again(flow_base: Model) -> None:
    _, once, _ = refine(REAL, flow_base, epochs=1)
    again = replace(once, origin="refined", learning_rate=flow_base.learning_rate / 10)
    _, _, report = refine(REAL, again, epochs=1)
    refined = next(c for c in report["candidates"] if c["name"] == "refined")
    assert refined["schedule"]["learning_rate"] == pytest.approx(flow_base.learning_rate / 10)
