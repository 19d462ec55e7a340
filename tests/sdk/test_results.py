"""`--out` holds the files that scripts depend on, whole or not at all."""

# ruff: noqa: ASYNC240  # files of a few bytes

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.results import write_report, write_results
from sensorforge.artifacts.v1 import artifacts_pb2

OUTPUTS = {
    "file_report": "machines/pump/reports/f",
    "profile_report": "machines/pump/reports/p",
    "mapped": "machines/pump/processed/m",
    "transformed": "machines/pump/processed/t",
    "original_rows": "machines/pump/augmented/o",
    "refined_rows": "machines/pump/augmented/r",
    "refined_model": "machines/pump/models/r",
    "sets": "machines/pump/augmented/s",
    "report": "machines/pump/reports/c",
}
CONTRACT = {
    "augmented/train.parquet", "augmented/val.parquet", "augmented/test.parquet", "augmented/quality.json",
    "augmented/quality.txt",
    "holdout.parquet",
    "processed.parquet", "seed_synthetic.parquet", "refined_synthetic.parquet", "report/comparison.json",
    "report/comparison.pdf", "report/loss.png", "report/all_machines_summary.csv",
    "mapping.json", "validation.json", "training.json", "lineage.json",
}  # fmt: skip


class Source:
    """Serves any file of any artifact; fails on the file named `broken`."""

    broken = ""

    async def get_artifact(self, name: str) -> artifacts_pb2.Artifact:
        files = ("comparison.json", "comparison.pdf", "loss.png")
        return artifacts_pb2.Artifact(name=name, files=[artifacts_pb2.ArtifactFile(name=file) for file in files])

    async def get_lineage(self, name: str, *, descendants: bool = False) -> list[artifacts_pb2.Artifact]:
        raw = artifacts_pb2.Artifact(name="machines/pump/raw/1", operation="ingest.upload")
        made = artifacts_pb2.Artifact(name=name, parents={"table": raw.name}, params_json='{"rows": 5}', seed=7)
        return [made, raw]

    async def download(self, artifact: str, file: str, target: Path) -> str:
        if file == self.broken:
            raise SensorForgeClientError("UNREACHABLE", "gone", kind="UNAVAILABLE")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{artifact} {file}")
        return hashlib.sha256(target.read_bytes()).hexdigest()

    async def read_json(self, artifact: str, file: str) -> Any:
        return {"file_name": "data.csv", "report": artifact}

    async def summarize_machines(self) -> str:
        return "machine_id,recommendation\npump,use refined\n"


def found(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


async def test_a_finished_run_writes_every_file_of_the_contract(tmp_path: Path) -> None:
    paths = await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    assert found(tmp_path / "out") == CONTRACT
    assert {str(path.relative_to(tmp_path / "out")) for path in paths} == CONTRACT
    assert (tmp_path / "out" / "seed_synthetic.parquet").read_text().startswith("machines/pump/augmented/o ")


async def test_lineage_reaches_from_report_and_sets_to_the_upload(tmp_path: Path) -> None:
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    lineage = json.loads((tmp_path / "out" / "lineage.json").read_text())
    assert lineage["run"] == "machines/pump/runs/1"
    assert lineage["artifacts"][OUTPUTS["report"]]["parents"] == {"table": "machines/pump/raw/1"}
    assert lineage["artifacts"]["machines/pump/raw/1"]["operation"] == "ingest.upload"


async def test_validation_holds_the_file_checks_and_the_profile_checks(tmp_path: Path) -> None:
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    validation = json.loads((tmp_path / "out" / "validation.json").read_text())
    assert validation["report"] == OUTPUTS["file_report"]
    assert validation["profile_checks"]["report"] == OUTPUTS["profile_report"]


async def test_a_run_that_stopped_early_writes_what_it_has(tmp_path: Path) -> None:
    await write_results(Source(), "machines/pump/runs/1", {"mapped": OUTPUTS["mapped"]}, tmp_path / "out")
    assert found(tmp_path / "out") == {"mapping.json", "lineage.json"}


async def test_a_broken_transfer_leaves_no_trace(tmp_path: Path) -> None:
    source = Source()
    source.broken = "comparison.pdf"
    with pytest.raises(SensorForgeClientError):
        await write_results(source, "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


async def test_files_with_the_same_content_stay_untouched(tmp_path: Path) -> None:
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")}
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "out")
    assert {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")} == before


async def test_a_directory_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SensorForgeClientError) as caught:
        await write_results(Source(), "machines/pump/runs/1", OUTPUTS, tmp_path / "file" / "out")
    assert caught.value.kind == "USAGE"


async def test_results_of_another_run_do_not_stay_beside_new_ones(tmp_path: Path) -> None:
    out = tmp_path / "out"
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, out)
    (out / "notes.txt").write_text("mine")
    (out / "report" / "distributions-2.png").write_text("old")
    fewer = {role: name for role, name in OUTPUTS.items() if role != "original_rows"}
    await write_results(Source(), "machines/pump/runs/2", fewer, out)
    assert found(out) == CONTRACT - {"seed_synthetic.parquet"} | {"notes.txt"}


async def test_an_earlier_stop_of_the_same_run_removes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    await write_results(Source(), "machines/pump/runs/1", OUTPUTS, out)
    await write_results(Source(), "machines/pump/runs/1", {"mapped": OUTPUTS["mapped"]}, out)
    assert found(out) == CONTRACT


async def test_a_report_alone_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report"
    paths = await write_report(Source(), OUTPUTS["report"], target)
    assert {path.name for path in paths} == {
        "comparison.json", "comparison.pdf", "loss.png", "all_machines_summary.csv",
    }  # fmt: skip
    assert set(tmp_path.iterdir()) == {target}
    broken = Source()
    broken.broken = "comparison.pdf"
    with pytest.raises(SensorForgeClientError):
        await write_report(broken, OUTPUTS["report"], tmp_path / "other")
    assert set(tmp_path.iterdir()) == {target}
