"""The comparison as a job: artifacts in, a complete report out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest
from services.artifacts.opening import open_store
from services.chassis.errors import SensorForgeError
from services.compare.comparison import compare
from services.compare.datasets import build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.limits import Limits
from services.compare.operations import OPERATIONS
from services.compare.revisions import REVISIONS
from services.jobs.operation import JobContext, Operation
from services.jobs.testing import Recording, run_operation
from tests.compare.conftest import PROFILE, machine_rows, split_rows

COMPARE = OPERATIONS[0]
PARAMS = {"limits": Limits().to_json(), "every_sensor": False}


def published(catalog: Catalog, name: str, kind: str, write: Callable[[Any], None]) -> str:
    """Publishes an artifact as another stage would, and returns its name."""

    def run(ctx: JobContext) -> None:
        write(ctx.output("it", kind))

    operation = Operation(f"test.{name}", 1, run)
    return run_operation(operation, Derivation("m1", f"test.{name}", 1, {}, {}, 0), catalog)["it"].name


def inputs(catalog: Catalog, real: pl.DataFrame, *, seed: bool = True, derived: bool = False) -> dict[str, str]:
    mark = {"rul": {"seed_derived": "true"}} if derived else {}
    found = {
        "profile": published(catalog, "p", "profiles", lambda out: out.json("profile.json", PROFILE.to_json())),
        "table": published(catalog, "t", "processed", lambda out: out.table("processed.parquet", real)),
        "refined": published(
            catalog,
            "r",
            "augmented",
            lambda out: out.table("synthetic.parquet", machine_rows(400, 5), column_metadata=mark),
        ),
    }
    if seed:
        found["seed"] = published(
            catalog, "s", "augmented", lambda out: out.table("synthetic.parquet", machine_rows(400, 6, shift=1.0))
        )
    return found


def compared(catalog: Catalog, given: dict[str, str], recording: Recording | None = None) -> Manifest:
    derivation = Derivation("m1", "compare.compare", REVISIONS["compare.compare"], given, PARAMS, 7)
    return run_operation(COMPARE, derivation, catalog, recording)["report"]


@dataclass(frozen=True)
class Finished:
    """A finished comparison: its artifact, comparison.json and what it reported on the way."""

    catalog: Catalog
    report: Manifest
    document: dict[str, Any]
    recording: Recording


def finished(folder: Path, change: Callable[[Catalog], dict[str, str]]) -> Finished:
    catalog = Catalog(open_store(str(folder / "store")))
    recording = Recording()
    report = compared(catalog, change(catalog), recording)
    return Finished(catalog, report, catalog.read_json(report.name, "comparison.json"), recording)


def runs(first: int, count: int) -> pl.DataFrame:
    """Returns augmented runs of 50 rows, one minute apart, life falling to zero."""
    tables = []
    for run in range(first, first + count):
        columns = {
            "timestamp": [datetime(2024, 1, 1) + timedelta(minutes=i) for i in range(50)],
            "rul": np.arange(50.0)[::-1],
            "run_id": [f"run-{run}"] * 50,
        }
        tables.append(machine_rows(50, 100 + run).with_columns(**{name: pl.Series(x) for name, x in columns.items()}))
    return pl.concat(tables)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A comparison with everything: original, refined and augmented sets, where run 8 is in two splits."""

    def write(out: Any) -> None:
        for split, table in (("train", runs(0, 7)), ("val", runs(7, 2)), ("test", runs(8, 2))):
            out.table(f"{split}.parquet", table)

    def given(catalog: Catalog) -> dict[str, str]:
        return inputs(catalog, split_rows(400, 100, 200)) | {"augmented": published(catalog, "a", "augmented", write)}

    return finished(tmp_path_factory.mktemp("full"), given)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A comparison without an original, of a machine whose real file has no remaining useful life."""
    return finished(
        tmp_path_factory.mktemp("bare"),
        lambda catalog: inputs(catalog, split_rows(300, 50, 150), seed=False, derived=True),
    )


def test_a_report_holds_json_pdf_html_and_plots(full: Finished) -> None:
    names = {file.name for file in full.report.files}
    plots = {"overview.png", "distributions.png", "correlations.png", "autocorrelation.png", "rul.png"}
    assert {"comparison.json", "comparison.pdf", "comparison.html"} | plots <= names
    assert full.catalog.read(full.report.name, "comparison.pdf").startswith(b"%PDF")
    assert full.catalog.read(full.report.name, "distributions.png").startswith(b"\x89PNG")


def test_the_document_has_the_promised_shape(full: Finished) -> None:
    document = full.document
    assert document["schema_version"] == 1
    assert document["machine_id"] == "m1"
    assert document["datasets_compared"]["real_data"]["rows"] == 200
    assert document["datasets_compared"]["seed_synthetic"]["rows"] == 400
    for name in ("kl_divergence", "wasserstein_distance", "correlation_error"):
        assert set(document["statistical_metrics"][name]) >= {"seed_vs_real", "refined_vs_real", "improvement"}
    sensor = document["per_sensor_metrics"]["bearing_temp"]
    assert sensor["unit"] == "°C"
    assert set(sensor) >= {"mean_error_seed", "mean_error_refined", "std_error_seed", "std_error_refined"}


def test_a_good_refined_model_beats_a_shifted_original(full: Finished) -> None:
    document = full.document
    assert document["recommendation"] == "use_refined"
    kl = document["statistical_metrics"]["kl_divergence"]
    assert kl["refined_vs_real"] < kl["seed_vs_real"]
    sensor = document["per_sensor_metrics"]["bearing_temp"]
    assert sensor["mean_error_refined"] < sensor["mean_error_seed"]


def test_gates_are_told_on_the_way_and_stay_in_sight(full: Finished) -> None:
    progress = [event.body for event in full.recording.events if event.kind == "progress"]
    first = next(i for i, body in enumerate(progress) if "KL divergence: passed" in body["message"])
    learning = next(i for i, body in enumerate(progress) if "Classifier" in body["phase"])
    assert first < learning
    assert "Held-out rows seen before: passed" in progress[learning]["message"]


def test_augmented_sets_are_checked(full: Finished) -> None:
    checks = {check["name"]: check["outcome"] for check in full.document["augmented"]["checks"]}
    assert checks == {
        "runs_in_one_split": "fail",
        "timestamps_sorted": "pass",
        "rul_decreasing": "pass",
        "inside_limits": "pass",
        "cells_filled": "pass",
        "correlations_kept": "fail",  # life falls in time here, and the sensors know nothing of it
        "memory_kept": "fail",
    }
    assert full.document["augmented"]["rows"] == {"train": 350, "val": 100, "test": 100}


def test_without_an_original_its_fields_are_null_and_absolute_gates_decide(bare: Finished) -> None:
    document = bare.document
    assert document["datasets_compared"]["seed_synthetic"] is None
    assert all(entry["seed_vs_real"] is None for entry in document["statistical_metrics"].values())
    assert document["per_sensor_metrics"]["vibration"]["mean_error_seed"] is None
    gates = {gate["name"]: gate["outcome"] for gate in document["gates"]}
    assert gates["improvement"] == "skipped"
    assert document["recommendation"] in {"use_refined", "collect_more_data"}


def test_a_seed_derived_sensor_leaves_the_gates_and_is_a_warning(bare: Finished) -> None:
    document = bare.document
    assert "rul" not in document["per_sensor_metrics"]
    assert "seed" in document["columns"]["not_compared"]["rul"]
    assert any("remaining useful life" in text for text in document["warnings"])
    assert any(event.kind == "warning" for event in bare.recording.events)


def test_a_table_without_held_out_rows_is_refused(catalog: Catalog) -> None:
    with pytest.raises(SensorForgeError) as caught:
        compared(catalog, inputs(catalog, split_rows(900, 100, 0)))
    assert caught.value.reason == "HOLDOUT_MISSING"


def test_thirty_held_out_rows_give_a_report_that_decides_nothing(catalog: Catalog) -> None:
    report = compared(catalog, inputs(catalog, split_rows(100, 0, 30)))
    document = catalog.read_json(report.name, "comparison.json")
    outcomes = {gate["name"]: gate["outcome"] for gate in document["gates"]}
    assert outcomes["kl_divergence"] == outcomes["correlation_error"] == outcomes["improvement"] == "undecided"
    assert document["recommendation"] == "collect_more_data"
    assert any("30 test rows" in text for text in document["warnings"])


def test_the_same_rows_give_the_same_document() -> None:
    def document() -> str:
        data = build_datasets(split_rows(200, 50, 120), machine_rows(150, 2), machine_rows(150, 3), PROFILE)
        result = compare(data, Limits(), 7, resamples=20)
        return json.dumps(comparison_document(result, Provenance("m1", "now", "t", "r"), Extras()))

    assert document() == document()
