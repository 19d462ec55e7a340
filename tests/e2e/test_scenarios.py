"""The four things that people come for, each from a real file to data sets and a verdict, as they would type it.

Augment (500 rows of a small machine), refine (10,000 rows, an existing model gets better), real-only (5,000 rows, no
seed) and hybrid (10,000 seed rows with 2,000 real ones). The first runs small in every suite; all four run whole in the
slow one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tests.e2e.runs import check_results
from tests.e2e.test_real_files import PROFILES, sensorforge


@dataclass(frozen=True)
class Scenario:
    """A real file, of which the first `rows` lines of data are used, and what is typed."""

    file: str
    profile: str
    rows: int
    options: tuple[str, ...] = ()
    header: bool = True
    seeded: bool = True  # whether there is a model that was there before

    def cut(self, shared_data: Path, folder: Path) -> Path:
        """Returns a file with the first rows."""
        lines = (shared_data / "sensor" / self.file).read_text(encoding="utf-8-sig").splitlines(keepends=True)
        cut = folder / self.file
        cut.write_text("".join(lines[: self.rows + self.header]), encoding="utf-8")
        return cut


SCENARIOS = {
    "augment": Scenario("metropt3_head.csv", "metropt3_air_compressor.yaml", 500),
    "refine": Scenario("ai4i2020.csv", "milling_machine.yaml", 10_000),
    "real-only": Scenario(
        "gt_2015.csv", "gas_turbine.yaml", 5_000, ("--strategy", "real-only", "--base", "none"), seeded=False
    ),
    "hybrid": Scenario(
        "cmapss_train_FD001.txt",
        "turbofan_fd001.yaml",
        2_000,
        ("--strategy", "merge", "--run-column", "column_1"),
        header=False,
    ),
}


def run(scenario: Scenario, shared_data: Path, folder: Path, *options: str) -> Path:
    """Takes the scenario to its end and returns the directory of its results."""
    out = folder / "out"
    data = str(scenario.cut(shared_data, folder))
    profile = str(PROFILES / scenario.profile)
    done = sensorforge(
        "run", data, "--profile", profile, "--out", str(out), *scenario.options, *options, "--json", home=folder
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["schema_version"]
    return out


@pytest.mark.timeout(900)
def test_five_hundred_rows_become_data_sets(shared_data: Path, tmp_path: Path) -> None:
    out = run(SCENARIOS["augment"], shared_data, tmp_path, "--rows", "1000", "--epochs", "3")
    check_results(out, 1000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_goes_from_the_file_to_the_verdict(name: str, shared_data: Path, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    out = run(scenario, shared_data, tmp_path)
    check_results(out, 50_000, original=scenario.seeded)
    comparison = json.loads((out / "report" / "comparison.json").read_text())
    sets = {part: pl.read_parquet(out / "augmented" / f"{part}.parquet") for part in ("train", "val", "test")}
    assert [table.height for table in sets.values()] == [35_000, 7_500, 7_500]
    if scenario.seeded:  # refinement has to be better than the model it began with
        for metric in ("kl_divergence", "correlation_error"):
            figures = comparison["statistical_metrics"][metric]
            assert figures["refined_vs_real"] < figures["seed_vs_real"], metric
    else:
        assert comparison["statistical_metrics"]["kl_divergence"]["seed_vs_real"] is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_that_was_refined_before_is_what_the_next_run_begins_with(shared_data: Path, tmp_path: Path) -> None:
    scenario = SCENARIOS["refine"]
    first = run(scenario, shared_data, tmp_path, "--rows", "2000", "--epochs", "5")
    refined = json.loads((first / "lineage.json").read_text())["outputs"]["refined_model"]
    switched = sensorforge("activate", home=tmp_path)
    assert switched.returncode == 0, switched.stderr[-2000:]
    later = run(scenario, shared_data, tmp_path, "--rows", "2000", "--epochs", "5", "--random-seed", "1")
    assert json.loads((later / "lineage.json").read_text())["outputs"]["base_model"] == refined
