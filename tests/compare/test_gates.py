"""Gates: three outcomes, on the excess over the control; and the advice that follows from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.chassis.errors import SensorForgeError
from services.compare.comparison import Comparison, compare
from services.compare.gates import Gate, improvement, judge
from services.compare.limits import Limits, read_limits
from services.compare.metrics.registry import QUICK
from services.compare.metrics.samples import Measured
from services.compare.recommendation import recommend
from tests.compare.conftest import datasets, machine_rows, split_rows

Measurements = dict[str, Measured]


def measured(value: float, spread: float = 0.002) -> Measured:
    return Measured(value, value + spread * np.random.default_rng(0).normal(size=200), details={"rows": 0.0})


def measurements(**values: float) -> Measurements:
    usual = {
        "kl_divergence": 0.02, "correlation_error": 0.01, "energy_distance": 0.01, "dcr_share": 0.5,
        "exact_copies": 0.0, "limit_violations": 0.0, "leakage": 0.0,
    }  # fmt: skip
    return {name: measured(value, 0.1 * value + 1e-4) for name, value in (usual | values).items()}


def gates(
    refined: Measurements, control: Measurements, seed: Measurements | None, n_test: int = 1000
) -> dict[str, Gate]:
    found = judge(refined, control, seed, Limits(), n_test=n_test, n_refined=5000)
    return {gate.name: gate for gate in found}


def test_a_good_model_passes_every_gate() -> None:
    found = gates(measurements(), measurements(), measurements(energy_distance=0.5))
    assert {gate.outcome for gate in found.values()} == {"pass"}


def test_a_gate_acts_on_the_excess_and_shows_the_raw_value_beside_it() -> None:
    gate = gates(measurements(kl_divergence=0.14), measurements(kl_divergence=0.09), None)["kl_divergence"]
    assert gate.outcome == "pass"
    assert gate.refined == pytest.approx(0.14)
    assert gate.decided_on == pytest.approx(0.05)


def test_a_distance_clearly_over_the_limit_fails() -> None:
    assert gates(measurements(kl_divergence=0.5), measurements(), None)["kl_divergence"].outcome == "fail"


def test_a_control_over_the_limit_leaves_it_undecided() -> None:
    gate = gates(measurements(kl_divergence=0.4), measurements(kl_divergence=0.34), None)["kl_divergence"]
    assert gate.outcome == "undecided"
    assert "control alone exceeds" in gate.explanation


def test_a_disaster_fails_even_where_the_control_exceeds_the_limit() -> None:
    assert (
        gates(measurements(kl_divergence=5), measurements(kl_divergence=0.12), None)["kl_divergence"].outcome == "fail"
    )


def test_an_interval_that_includes_the_limit_is_undecided() -> None:
    refined = measurements() | {"kl_divergence": measured(0.12, spread=0.03)}
    gate = gates(refined, measurements(), None)["kl_divergence"]
    assert gate.outcome == "undecided"
    assert gate.low is not None
    assert gate.high is not None
    assert gate.low < 0.1 < gate.high


def test_few_test_rows_decide_no_distance() -> None:
    found = gates(measurements(kl_divergence=5), measurements(), measurements(energy_distance=1), n_test=40)
    assert {found[name].outcome for name in ("kl_divergence", "correlation_error", "improvement")} == {"undecided"}


def test_memorising_fails_at_any_size() -> None:
    found = gates(measurements(dcr_share=0.9, exact_copies=0.3), measurements(), None, n_test=40)
    assert found["dcr_share"].outcome == "fail"
    assert found["exact_copies"].outcome == "fail"


def test_rows_near_to_training_that_copy_no_row_are_undecided() -> None:
    share = Measured(0.65, np.full(50, 0.65), details={"nearer_than_neighbours": 0.03})
    gate = gates(measurements() | {"dcr_share": share}, measurements(), None)["dcr_share"]
    assert gate.outcome == "undecided"
    assert "no copies" in gate.explanation


def test_a_hold_out_unlike_training_is_allowed_for() -> None:
    found = gates(measurements(dcr_share=0.67), measurements(dcr_share=0.66), None)
    assert found["dcr_share"].outcome == "pass"
    assert found["dcr_share"].refined == pytest.approx(0.67)


def test_copies_that_real_rows_show_too_are_no_memorising() -> None:
    found = gates(measurements(exact_copies=0.02), measurements(exact_copies=0.03), None)
    assert found["exact_copies"].outcome == "pass"


@pytest.mark.parametrize(
    ("copies", "n_test", "outcome"), [(1, 400, "undecided"), (1, 4_000_000, "fail"), (500, 400, "fail")]
)
def test_copies_that_can_be_chance_are_undecided(copies: int, n_test: int, outcome: str) -> None:
    found = gates(measurements(exact_copies=copies / 5000), measurements(), None, n_test=n_test)
    assert found["exact_copies"].outcome == outcome


def test_no_copies_is_met_by_at_most_zero() -> None:
    gate = gates(measurements(), measurements(), None)["exact_copies"]
    assert (gate.direction, gate.limit, gate.decided_on, gate.outcome) == ("<=", 0.0, 0.0, "pass")


def test_held_out_rows_seen_in_training_fail_whatever_else_is_good() -> None:
    control = measurements(leakage=0.4)
    found = gates(measurements(), control, measurements(energy_distance=0.5))
    assert found["leakage"].outcome == "fail"
    assert advice(measurements(), measurements(energy_distance=0.5), control) == "keep_original"


def test_improvement_is_the_fall_of_the_distance_in_percent() -> None:
    gain = improvement(measured(0.4), measured(0.1))
    assert gain.value == pytest.approx(75)
    assert improvement(measured(0.0), measured(0.1)).value is None


def test_improvement_without_an_interval_beyond_zero_is_no_improvement() -> None:
    refined = measurements() | {"energy_distance": measured(0.3, spread=0.25)}
    gate = gates(refined, measurements(), measurements(energy_distance=0.5))["improvement"]
    assert gate.outcome == "undecided"


def advice(refined: Measurements, seed: Measurements | None, control: Measurements | None = None, n: int = 1000) -> str:
    found = judge(refined, control or measurements(), seed, Limits(), n_test=n, n_refined=5000)
    return recommend(found, has_original=seed is not None).advice


@pytest.mark.parametrize(
    ("refined", "seed", "expected"),
    [
        ({}, {"energy_distance": 0.5}, "use_refined"),
        ({}, None, "use_refined"),
        ({"energy_distance": 0.45}, {"energy_distance": 0.5}, "keep_original"),
        ({"energy_distance": 0.9}, {"energy_distance": 0.5}, "keep_original"),
        ({"dcr_share": 0.9}, {"energy_distance": 0.5}, "keep_original"),
        ({"dcr_share": 0.9}, None, "collect_more_data"),
        ({"kl_divergence": 0.9}, {"energy_distance": 0.5}, "collect_more_data"),
        ({"kl_divergence": 0.9}, None, "collect_more_data"),
    ],
)
def test_advice_follows_from_the_gates(refined: dict[str, float], seed: dict[str, float] | None, expected: str) -> None:
    assert advice(measurements(**refined), None if seed is None else measurements(**seed)) == expected


def test_a_hold_out_that_cannot_decide_asks_for_more_data() -> None:
    assert advice(measurements(), None, n=40) == "collect_more_data"


def test_a_model_that_beats_the_original_is_used_though_the_hold_out_differs_from_training() -> None:
    drifted = measurements(kl_divergence=0.34, correlation_error=0.2)
    refined = measurements(kl_divergence=0.36, correlation_error=0.21)
    assert advice(refined, measurements(energy_distance=0.5), drifted) == "use_refined"


def compared(**sets: Any) -> Comparison:
    return compare(datasets(**sets), Limits(), 5, metrics=QUICK, resamples=40)


def test_rows_of_the_same_machine_pass_and_a_shifted_original_is_beaten() -> None:
    result = compared(
        real=split_rows(1500, 300, 800), refined=machine_rows(800, 2), seed=machine_rows(800, 3, shift=1.0)
    )
    assert result.recommendation.advice == "use_refined"
    assert result.gate("improvement").outcome == "pass"
    assert result.gate("kl_divergence").outcome == "pass"


def test_memorised_training_rows_are_never_recommended() -> None:
    real = split_rows(500, 200, 300)
    result = compared(real=real, refined=real.filter(real["split"] == "train").drop("split"))
    assert result.gate("dcr_share").outcome == "fail"
    assert result.gate("exact_copies").outcome == "fail"
    assert "repeats rows" in result.recommendation.verdict


def test_a_missed_tail_is_named_with_its_range_unit_and_share() -> None:
    cut = machine_rows(900, 2)
    cut = cut.filter(cut["bearing_temp"] < 66)
    result = compared(real=split_rows(900, 0, 600), refined=cut)
    sentence = next(f.sentence for f in result.findings if f.column == "bearing_temp")
    assert "misses" in sentence
    assert "°C" in sentence
    assert "% of real rows" in sentence


def test_each_gate_is_told_as_soon_as_it_is_known_and_all_before_the_learners_run() -> None:
    told: list[int] = []
    phases: list[str] = []
    compare(
        datasets(real=split_rows(200, 0, 150), refined=machine_rows(150, 2), seed=machine_rows(150, 3)),
        Limits(),
        resamples=20,
        on_phase=lambda phase, done, total: phases.append(phase),
        on_gates=lambda found: told.append(len(found) if "Classifier" not in " ".join(phases) else -1),
    )
    assert told == [1, 2, 3, 4, 5, 6, 7]
    assert any("Classifier" in phase for phase in phases)


@pytest.mark.parametrize("given", [{"kl_divergence": -1.0}, {"kl_divergence": float("nan")}, {"kl": 1.0}])
def test_senseless_limits_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read_limits(given)
    assert caught.value.reason == "INVALID_REQUEST"
