"""What the services answer about merges, data sets and comparisons, in the words of the panes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.sdk.plan import Plan
from clients.tui import asking, evidence
from clients.tui.compared import differences, pair_words, set_words
from clients.tui.modals.data_sets import split
from clients.tui.panes.merge import row_counts
from clients.tui.views import MergePreview
from services.refine.augmentation.options import set_sizes


def gate(**values: Any) -> dict[str, Any]:
    nothing = {"seed": None, "refined": None, "control": None, "decided_on": None, "limit": 0.1, "direction": "<"}
    return nothing | {"name": "kl_divergence", "title": "KL divergence", "outcome": "pass", "explanation": ""} | values


def test_a_gate_in_percent_shows_percent_and_not_the_distances_behind_it() -> None:
    row = evidence.gate_row(
        gate(name="improvement", title="Improvement over the original", seed=42.8, refined=0.23, control=0.22)
        | {"limit": 30.0, "direction": ">", "decided_on": 99.46}
    )
    assert (row.title, row.original, row.refined, row.target) == (
        "Improvement over the original", "–", "99 %", "≥ 30 %",
    )  # fmt: skip


def test_a_gate_on_a_distance_shows_both_models_the_control_and_what_is_allowed_for() -> None:
    row = evidence.gate_row(gate(seed=1.26, refined=0.328, control=0.334, decided_on=0.328 - 0.334))
    assert (row.original, row.refined, row.real, row.target) == ("1.26", "0.328", "0.334", "≤ real + 0.1")


DOCUMENT: dict[str, Any] = {
    "verdict": "Use the refined model: it is good.",
    "recommendation": "use_refined",
    "gates": [gate(seed=1.0, refined=0.1, control=0.1, decided_on=0.0)],
    "per_sensor_metrics": {
        "a": {"kl_divergence_refined": 0.1, "kl_divergence_seed": 1.0, "unit": "°C", "finding": ""},
        "b": {"kl_divergence_refined": 0.4, "kl_divergence_seed": None, "unit": "", "finding": "b: too hot"},
    },
    "datasets_compared": {"real_data": {"rows": 1453}},
    "histograms": {"a": {"edges": [0, 1, 2], "real": [0.5, 0.5], "seed": None, "refined": [0.4, 0.6]}},
    "correlations": {"sensors": ["a", "b"], "left_out": 3, "real": [[1, 0.5], [0.5, 1]], "seed": None,
                     "refined": [[1, None], [None, 1]]},
    "augmented": {
        "rows": {"train": 35_000, "val": 7_500, "test": 7_500},
        "runs": {"train": 396, "val": 86, "test": 85},
        "checks": [{"name": "runs_in_one_split", "outcome": "pass", "explanation": "No run is in two splits."}],
        "autocorrelation_error": 0.022, "autocorrelation_error_control": 0.026,
        "definitions": {"autocorrelation_error": "Mean |difference| ..."},
    },
}  # fmt: skip
QUALITY: dict[str, Any] = {
    "sets": {"train": {"rows": 35_000, "runs": 396}, "val": {"rows": 7_500, "runs": 86},
             "test": {"rows": 7_500, "runs": 85}},
    "where": "rul<50",
    "gates": {"runs_disjoint": "passed", "nearest_runs": "undecided"},
    "rows": {"kl_augmented": 0.0067, "kl_real_validation": 0.0099},
    "temporal": {"autocorrelation_error": 0.0125, "autocorrelation_error_of_real_validation": None},
    "nearest_runs": {"close_share": 0.0, "ratio": 1.1, "limit": 0.2, "training_runs": 40},
    "disclosures": ["States follow a model."],
}  # fmt: skip


def test_a_comparison_is_read_with_its_shapes_worst_sensor_first() -> None:
    found = evidence.comparison(DOCUMENT, QUALITY, "machines/m/models/" + "a" * 64, "")
    assert (found.recommendation, found.model, found.default, found.real_rows) == ("use refined", "a" * 12, "", 1453)
    assert [sensor.name for sensor in found.sensors] == ["b", "a"]
    assert dict(found.shapes["a"].shares) == {"real": (0.5, 0.5), "refined": (0.4, 0.6)}
    assert found.correlations is not None
    gaps = differences(found.correlations)
    assert gaps[0][0] == 0
    assert math.isnan(gaps[0][1])
    assert pair_words(found.correlations, 0, 1) == "a and b: real +0.50  (3 better sensors are not shown)"


def test_the_quality_check_is_shown_in_full_and_no_promise_twice() -> None:
    found = evidence.data_sets(DOCUMENT["augmented"], QUALITY)
    assert [(check.title, check.outcome) for check in found.checks] == [
        ("runs in one set", "pass"), ("nearness to real runs", "undecided"),
    ]  # fmt: skip
    assert [(m.family, m.title, m.value, m.real) for m in found.measures] == [
        ("in time", "autocorrelation error", "0.022", "0.026"),
        ("in time", "autocorrelation error, to training", "0.0125", "–"),
        ("by sensor", "KL divergence, to training", "0.0067", "0.0099"),
        ("privacy", "runs close to a real one", "0 %", ""),
        ("privacy", "distance to real runs", "1.1", "1"),
    ]
    assert found.rows == 50_000
    assert "35,000 / 7,500 / 7,500" in set_words(found)
    assert "Every row meets rul<50." in set_words(found)


def test_a_report_of_an_earlier_version_shows_what_it_has() -> None:
    old = {name: value for name, value in DOCUMENT.items() if name not in ("histograms", "correlations", "augmented")}
    found = evidence.comparison(old, {}, "", "")
    assert found.shapes == {}
    assert found.correlations is None
    assert set_words(found.sets) == "There are no data sets yet; g generates them."


def test_remaining_life_before_and_after_shares_bins_and_loses_no_row() -> None:
    shape = evidence.life_shape((0, 1, 5, 25, 50, 75, 95, 99, 100), (0, 0, 0, 10, 20, 30, 40, 45, 50))
    assert shape is not None
    assert shape.edges[-1] == 100
    for shares in shape.shares.values():
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0
    # 30 to 50 holds the upper quarter.
    assert sum(shape.shares["to train on"][12:20]) == pytest.approx(0.25, abs=0.001)
    assert evidence.life_shape((), ()) is None
    assert evidence.life_shape((5.0,) * 9, ()) is None


@given(st.lists(st.floats(0, 1e6), min_size=9, max_size=9).map(sorted))
def test_no_quantiles_break_the_shape_of_life(quantiles: list[float]) -> None:
    shape = evidence.life_shape(quantiles, ())
    assert shape is None or sum(shape.shares["real"]) == pytest.approx(1, abs=1e-6)


def test_what_a_strategy_trains_on_is_counted_before_it_is_chosen() -> None:
    found = MergePreview(train=3000, validation=600, held_out=700, seed=10_000)
    assert row_counts("real-only", found) == ("3,000", "600")
    assert row_counts("merge", found) == ("3,000 + 10,000", "600")
    assert row_counts("replace", found) == ("needs 5,000", "has 3,600")
    assert row_counts("merge", MergePreview()) == ("–", "–")


def test_a_merge_says_what_it_left_out() -> None:
    counts = {"train_real": 100, "train_seed": 900, "val": 20, "removed": {"seed_duplicates": 3, "balance": 4}}
    found = evidence.merge_preview({}, (), {"rows": counts}, (), 0)
    assert found.merged == (
        "100 real + 900 seed rows to train on, 20 to choose by; 7 left out as duplicates or for balance"
    )


@given(st.integers(10, 10_000_000))
def test_rows_split_as_the_service_splits_them(rows: int) -> None:
    assert split(rows) == tuple(set_sizes(rows).values())


@pytest.mark.parametrize(
    ("base", "had", "pinned", "stale", "anew"),
    [
        ("default", "machines/m/models/aaa", "machines/m/models/aaa", (), False),
        ("default", "machines/m/models/bbb", "machines/m/models/aaa", (), True),
        ("default", "machines/m/models/first", "", (), False),  # the first model was trained in this run
        ("bbb", "machines/m/models/bbbccc", "", (), False),
        ("bbb", "machines/m/models/aaa", "", (), True),
        ("none", "machines/m/models/aaa", "", (), True),
        ("none", "", "", (), False),
        ("default", "machines/m/models/aaa", "machines/m/models/aaa", ("merge", "refine"), True),
    ],
)
def test_another_base_or_other_rows_make_the_merge_anew(
    base: str, had: str, pinned: str, stale: tuple[str, ...], anew: bool
) -> None:
    entry = SimpleNamespace(draft={"default_model": pinned})
    outputs = {"base_model": had} if had else {}
    work = SimpleNamespace(plan=Plan(base=base), outputs=outputs, journal=SimpleNamespace(latest=lambda step: entry))
    steps = asking.merged_anew(SimpleNamespace(work=work, stale=stale))  # type: ignore[arg-type]
    assert steps == (("seed", "train", "merge") if anew else ())
    assert ("base_model" in outputs) == (bool(had) and base != "none")
