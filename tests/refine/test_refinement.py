"""Refinement: what it keeps of the base, how candidates are chosen, and rows that do not fit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.refine.candidates import Candidate, Candidates
from services.refine.codec import Codec
from services.refine.energy import EnergySpace, energy_distance
from services.refine.judging import choose
from services.refine.model import PROVENANCE, Model
from services.refine.options import TrainingOptions
from services.refine.proposals import share_of_rate
from services.refine.refinement import Refinement
from services.refine.training import EpochResult, Rows, Schedule, schedule, train
from tests.refine.conftest import MACHINE, PROFILE, original, pump
from tests.refine.refining import HELD, QUICK, REAL, refine


def test_refinement_comes_nearer_to_real_rows_than_the_base_and_the_control(base: Model) -> None:
    refinement, model, report = refine(REAL, base)
    fresh = pump(3000, 5, real=True)
    space = EnergySpace.of(refinement.codec, refinement.real)
    control = refinement.model_of(refinement.training.ready[0])
    distances = [
        energy_distance(space.place(m.sample(3000, seed=1)), space.place(fresh)) for m in (base, control, model)
    ]
    assert distances[2] < 0.3 * distances[0]
    assert distances[2] < distances[1]
    assert report["refinement_improvement"]["percent"] > 30
    json.dumps(report, allow_nan=False)


def test_refinement_beats_fine_tuning_on_the_frozen_seed_codec(flow_base: Model) -> None:
    _, model, _ = refine(REAL, flow_base)
    naive = flow_base.engine.clone()
    encoded = flow_base.codec.encode(REAL, np.random.default_rng(0))
    held = flow_base.codec.encode(HELD, np.random.default_rng(0))
    train(naive, Rows(encoded.scores), Rows(held.scores), schedule(500, epochs=20, batch_size=64, refinement=True))
    fresh = pump(3000, 5, real=True)
    space = EnergySpace.of(Codec.fit(REAL), REAL)
    frozen = flow_base.codec.decode(naive.sample(3000), np.zeros((3000, 0), np.int32))
    distances = [energy_distance(space.place(rows), space.place(fresh)) for rows in (model.sample(3000), frozen)]
    assert distances[0] < distances[1]


def test_a_column_that_is_missing_in_the_file_stays_seed_derived(flow_base: Model) -> None:
    refinement, model, report = refine(REAL.drop("rul"), flow_base, HELD.drop("rul"))
    assert model.seed_derived == ("rul",)
    assert report["columns"]["seed_derived"] == ["rul"]
    assert {c["name"] for c in report["candidates"]} == {"control", "refined"}
    sampled = model.sample(4000)
    assert sampled["rul"].null_count() == 0
    assert 400 < sampled["rul"].mean() < 600
    # The physics of the seed still ties it to the sensors: worn pumps vibrate.
    assert np.corrcoef(sampled["rul"], sampled["vibration_mm_s"])[0, 1] < -0.3
    assert any(notice.code == "SCRATCH_NOT_TRAINED" for notice in refinement.notices)


def test_seed_and_real_rows_are_told_apart_by_provenance() -> None:
    both = pl.concat(
        [
            pump(1500).with_columns(provenance=pl.lit("seed")),
            REAL.drop("rul")
            .with_columns(rul=pl.lit(None, pl.Float64), provenance=pl.lit("real"))
            .select(*pump(1).columns, "provenance"),
        ]
    )
    _, model, report = refine(both, None)
    assert report["rows"] == {"real": 500, "seed": 1500, "validation": 120}
    assert report["chosen"] == "merged"
    assert PROVENANCE in model.engine.layout.conditions
    sampled = model.sample(4000)
    assert sampled["flow_m3h"].mean() == pytest.approx(REAL["flow_m3h"].mean(), rel=0.05)
    assert model.seed_derived == ("rul",)


def test_a_base_and_seed_rows_go_together(flow_base: Model) -> None:
    both = pl.concat([pump(600).with_columns(provenance=pl.lit("seed")), REAL.with_columns(provenance=pl.lit("real"))])
    _, model, report = refine(both, flow_base, epochs=5)
    assert {c["name"] for c in report["candidates"]} == {"control", "refined", "scratch"}
    assert model.sample(2000)["flow_m3h"].mean() == pytest.approx(REAL["flow_m3h"].mean(), rel=0.06)


def test_rows_without_a_base_are_trained_from_scratch() -> None:
    _, model, report = refine(REAL, None)
    assert report["chosen"] == "scratch"
    assert report["refinement_improvement"]["percent"] is None
    assert model.origin == "scratch"


def test_every_option_of_transfer_is_accepted(base: Model) -> None:
    _, model, report = refine(REAL, base, epochs=2, freeze_encoder=True, l2_sp=0.01, replay=0.3, calibrate=True)
    refined = next(c for c in report["candidates"] if c["name"] == "refined")
    assert refined["schedule"]["replay"] == 0.3
    assert model.calibration is not None
    assert Model.from_files(*model.to_files()).sample(50).equals(model.sample(50))


def test_calibration_gives_the_training_rows_margins(base: Model) -> None:
    _, model, _ = refine(REAL, base, epochs=3, calibrate=True)
    scores, _ = model.sample_encoded(20_000, seed=9)
    np.testing.assert_allclose(np.quantile(scores, [0.1, 0.5, 0.9], axis=0)[:, 0], [-1.28, 0, 1.28], atol=0.06)


def test_too_few_validation_rows_are_taken_from_training_instead() -> None:
    refinement, _, report = refine(REAL, None, None)
    assert 40 < report["rows"]["validation"] < 120
    assert report["rows"]["real"] + report["rows"]["validation"] == 500
    assert not set(refinement.real["run_id"]) & set(refinement.validation["run_id"])


# Rows and bases that do not go together -------------------------------------------------------------------------------


def reason(rows: pl.DataFrame, base: Model | None = None, **options: object) -> str:
    with pytest.raises(SensorForgeError) as raised:
        refine(rows, base, None, **options)
    return raised.value.reason


def test_99_rows_are_too_few() -> None:
    assert reason(REAL[:99]) == "TRAINING_ROWS_TOO_FEW"


def test_a_base_of_another_machine_is_refused(flow_base: Model) -> None:
    assert reason(REAL, replace(flow_base, machine="other")) == "BASE_OF_ANOTHER_MACHINE"


def test_a_base_of_another_sensor_set_is_refused(flow_base: Model) -> None:
    assert reason(REAL.rename({name: f"x_{name}" for name in REAL.columns[1:]}), flow_base) == "BASE_SENSORS_DIFFER"


def test_a_base_of_another_engine_is_refused(flow_base: Model) -> None:
    assert reason(REAL, flow_base, engine="tvae") == "TRAINING_OPTION_INVALID"


def test_rows_without_any_varying_number_are_refused() -> None:
    constant = pl.DataFrame({"speed_rpm": [1.0] * 200, "state": ["on"] * 200})
    assert reason(constant) == "NOTHING_TO_MODEL"


def test_a_sensor_the_base_does_not_know_is_learnt_from_nothing(flow_base: Model) -> None:
    more = REAL.with_columns(head_m=pl.col("flow_m3h") * 2)
    refinement, model, _ = refine(more, flow_base, HELD.with_columns(head_m=pl.col("flow_m3h") * 2))
    assert any(notice.code == "SENSORS_NEW_TO_BASE" for notice in refinement.notices)
    sampled = model.sample(2000)
    assert np.corrcoef(sampled["head_m"], sampled["flow_m3h"])[0, 1] > 0.9


@pytest.mark.parametrize("engine", ["flow", "tvae"])
def test_constant_empty_and_one_category_columns_are_handled(engine: str) -> None:
    rows, held = (
        table.with_columns(
            fixed=pl.lit(3.5),
            dead=pl.lit(None, pl.Float64),
            mode=pl.lit("auto"),
            broken=pl.when(pl.int_range(table.height) % 5 == 0).then(float("inf")).otherwise(pl.col("speed_rpm")),
            gaps=pl.when(pl.int_range(table.height) % 4 == 0).then(float("nan")).otherwise(pl.col("power_kw")),
        )
        for table in (REAL, HELD)
    )
    _, model, report = refine(rows, None, held, engine=engine, epochs=3)
    sampled = model.sample(2000)
    assert sampled["fixed"].unique().to_list() == [3.5]
    assert sampled["dead"].null_count() == 2000
    assert sampled["mode"].unique().to_list() == ["auto"]
    assert sampled["gaps"].is_null().mean() == pytest.approx(0.25, abs=0.04)
    assert sampled["broken"].drop_nulls().is_finite().all()
    assert report["columns"]["empty"] == ["dead"]


def test_a_sensor_that_is_constant_in_the_real_rows_only_stays_constant(flow_base: Model) -> None:
    _, model, _ = refine(REAL.with_columns(speed_rpm=900.0), flow_base, HELD.with_columns(speed_rpm=900.0), epochs=3)
    assert model.sample(500)["speed_rpm"].unique().to_list() == [900.0]


def test_a_batch_larger_than_the_data_is_cut_to_it() -> None:
    _, _, report = refine(REAL, None, batch_size=100_000, epochs=2)
    assert report["candidates"][0]["schedule"]["batch_size"] == 500


def test_a_damaged_model_file_is_refused(flow_base: Model) -> None:
    document, weights = flow_base.to_files()
    for broken in (weights[:100], b"PK\x03\x04", b""):
        with pytest.raises(SensorForgeError) as raised:
            Model.from_files(document, broken)
        assert raised.value.reason == "MODEL_FILE_INVALID"
    with pytest.raises(SensorForgeError, match="format"):
        Model.from_files(document | {"format": 99}, weights)


# Choosing -------------------------------------------------------------------------------------------------------------


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
