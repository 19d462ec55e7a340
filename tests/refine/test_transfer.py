"""Transfer: every combination of rows, strategy and base, and what each option of transfer does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.refinement import Refinement
from tests.refine.conftest import MACHINE, PROFILE, original, pump
from tests.refine.refining import HELD, QUICK, REAL, refine

# Strategy and base ----------------------------------------------------------------------------------------------------

BOTH = pl.concat([pump(600).with_columns(provenance=pl.lit("seed")), REAL.with_columns(provenance=pl.lit("real"))])
WITHOUT_LIFE = BOTH.with_columns(rul=pl.when(pl.col("provenance") == "seed").then(pl.col("rul")))


@pytest.mark.parametrize(
    ("rows", "with_base", "choose_strategy", "candidates"),
    [
        (REAL, True, False, {"control", "refined", "scratch"}),
        (REAL, False, False, {"scratch"}),
        (BOTH, True, False, {"control", "refined", "scratch"}),
        (BOTH, False, False, {"merged", "scratch"}),
        (BOTH, True, True, {"control", "refined", "merged", "scratch"}),
        (BOTH, False, True, {"merged", "scratch"}),
        (WITHOUT_LIFE, True, False, {"control", "refined"}),
        (WITHOUT_LIFE, True, True, {"control", "refined", "merged"}),
        (WITHOUT_LIFE, False, False, {"merged"}),
    ],
    ids=["real+base", "real", "merge+base", "merge", "choose+base", "choose", "no-rul+base", "no-rul+choose", "no-rul"],
)
def test_every_combination_of_rows_and_base_gives_a_model_of_all_columns(
    flow_base: Model, rows: pl.DataFrame, with_base: bool, choose_strategy: bool, candidates: set[str]
) -> None:
    refinement = Refinement(
        MACHINE,
        rows,
        HELD.drop("rul") if rows is WITHOUT_LIFE else HELD,
        profile=PROFILE,
        base=flow_base if with_base else None,
        options=replace(QUICK, epochs=2),
        choose_strategy=choose_strategy,
    )
    list(refinement.epochs())
    model, report = refinement.result()
    assert {entry["name"] for entry in report["candidates"]} == candidates
    assert report["chosen"] in candidates
    assert report["strategy"]["asked_for"] is not choose_strategy
    chosen = next(entry for entry in report["candidates"] if entry["name"] == report["chosen"])
    assert report["strategy"]["chosen"] == (chosen["trained_on"] or "real-only")
    sampled = model.sample(300)
    assert set(sampled.columns) == set(pump(1).columns) - {"run_id"}
    assert sampled["rul"].null_count() == 0
    assert model.seed_derived == (("rul",) if rows is WITHOUT_LIFE else ())
    json.dumps(report, allow_nan=False)


def test_the_strategy_is_chosen_by_validation_not_by_habit(flow_base: Model) -> None:
    """Seed rows whose dependence is turned round cannot help; the report says that real rows alone were chosen."""
    turned = BOTH.with_columns(
        vibration_mm_s=pl.when(pl.col("provenance") == "seed")
        .then(pl.col("vibration_mm_s").shuffle(seed=1))
        .otherwise(pl.col("vibration_mm_s"))
    )
    refinement = Refinement(MACHINE, turned, HELD, profile=PROFILE, base=flow_base, options=QUICK, choose_strategy=True)
    list(refinement.epochs())
    _, report = refinement.result()
    losses = report["choice"]["losses"]
    assert {"refined", "merged", "scratch"} == set(losses)
    assert report["strategy"] == {"asked_for": False, "chosen": "real-only"}


# Options of transfer --------------------------------------------------------------------------------------------------


def trained(base: Model, **options: object) -> Model:
    """Returns the refined candidate, chosen or not."""
    refinement, _, _ = refine(REAL, base, **options)
    return refinement.model_of(next(c for c in refinement.training.ready if c.name == "refined"))


def moved(base: Model, model: Model) -> float:
    old, new = base.engine.weights(), model.engine.weights()
    return sum(float(np.square(new[n] - old[n]).sum()) for n in old if n != "frame" and new[n].shape == old[n].shape)


def test_a_frozen_encoder_does_not_move() -> None:
    base = original("tvae")
    refined = trained(base, epochs=2, freeze_encoder=True)
    encoder = {id(parameter) for parameter in refined.engine.encoder_parameters()}
    names = [name for name, parameter in refined.engine.named_parameters() if id(parameter) in encoder]
    assert names
    for name in names:
        np.testing.assert_array_equal(refined.engine.weights()[name], base.engine.weights()[name])
    assert moved(base, refined) > 0


def test_l2_sp_keeps_the_weights_near_the_base(base: Model) -> None:
    free, held = trained(base, epochs=3), trained(base, epochs=3, l2_sp=10.0)
    assert moved(base, held) < 0.5 * moved(base, free)


def test_replayed_rows_are_the_bases_own(flow_base: Model) -> None:
    refinement = Refinement(MACHINE, REAL, HELD, profile=PROFILE, base=flow_base, options=replace(QUICK, replay=0.5))
    rows = next(c.replayed for c in refinement._candidates if c.name == "refined")
    assert rows is not None
    replayed = flow_base.codec.decode_scores(rows.scores)["flow_m3h"]
    assert replayed.mean() == pytest.approx(pump(2000)["flow_m3h"].mean(), rel=0.05)


def test_options_that_need_a_base_say_that_they_had_no_effect() -> None:
    refinement, _, _ = refine(REAL, None, epochs=1, l2_sp=0.1, replay=0.2, freeze_encoder=True, engine="tvae")
    texts = [notice.message for notice in refinement.notices if notice.code == "OPTION_WITHOUT_EFFECT"]
    assert len(texts) == 3


@pytest.mark.parametrize(("told", "patience"), [(0, 10), (4, 4)])
def test_the_patience_of_a_refinement_is_ten_epochs_unless_told(flow_base: Model, told: int, patience: int) -> None:
    options = TrainingOptions(patience=told)
    refinement = Refinement(MACHINE, REAL, HELD, profile=PROFILE, base=flow_base, options=options)
    assert refinement._candidates[1].name == "refined"
    assert refinement._candidates[1].plan.patience == patience


def test_training_ends_when_patience_runs_out_and_the_best_epoch_is_kept() -> None:
    _, _, report = refine(REAL, None, epochs=60, patience=2, learning_rate=0.1)
    losses = [epoch["validation_loss"] for epoch in report["curves"]["scratch"]]
    assert len(losses) < 60
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    assert report["candidates"][0]["best_epoch"] == int(np.argmin(losses)) + 1
