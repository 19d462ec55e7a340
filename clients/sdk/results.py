"""Writes what a run came to into a directory, in the layout that scripts depend on.

Every file is fetched whole, checked and renamed into place; the directory appears, or changes, only after everything
has arrived. A file that is there already with the same content stays untouched. Results of another run that this one
has none of are removed, so that what lies there belongs together; anything else in the directory is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from clients.sdk.errors import SensorForgeClientError
from sensorforge.artifacts.v1 import artifacts_pb2


class ArtifactSource(Protocol):
    """The operations of `SensorForge` that writing results uses."""

    async def get_artifact(self, name: str) -> artifacts_pb2.Artifact: ...

    async def get_lineage(self, name: str, *, descendants: bool = False) -> list[artifacts_pb2.Artifact]: ...

    async def download(self, artifact: str, file: str, target: Path) -> str: ...

    async def read_json(self, artifact: str, file: str) -> Any: ...

    async def summarize_machines(self) -> str: ...


@dataclass(frozen=True)
class _Wanted:
    role: str
    file: str
    target: str


# (role in the run's outputs, file of that artifact) -> file under --out
_LAYOUT: tuple[_Wanted, ...] = (
    _Wanted("sets", "train.parquet", "augmented/train.parquet"),
    _Wanted("sets", "val.parquet", "augmented/val.parquet"),
    _Wanted("sets", "test.parquet", "augmented/test.parquet"),
    _Wanted("sets", "quality.json", "augmented/quality.json"),
    _Wanted("sets", "quality.txt", "augmented/quality.txt"),
    _Wanted("transformed", "processed.parquet", "processed.parquet"),
    _Wanted("transformed", "holdout.parquet", "holdout.parquet"),
    _Wanted("original_rows", "synthetic.parquet", "seed_synthetic.parquet"),
    _Wanted("refined_rows", "synthetic.parquet", "refined_synthetic.parquet"),
    _Wanted("mapped", "mapping.json", "mapping.json"),
    _Wanted("refined_model", "training.json", "training.json"),
)


def check_target(directory: Path) -> None:
    """Raises SensorForgeClientError TARGET_UNWRITABLE when results cannot be written there, as far as that can be told
    before there are any."""
    place = directory.absolute()
    if place.exists() and not place.is_dir():
        raise _unwritable(directory, NotADirectoryError(errno.ENOTDIR, "it is no directory"))
    place = place.parent
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise _unwritable(directory, PermissionError(errno.EACCES, f"nothing can be written in {place}"))


async def write_results(
    source: ArtifactSource, run: str, outputs: Mapping[str, str], directory: Path
) -> tuple[Path, ...]:
    """Writes the files of a run's outputs under `directory` and returns their paths; outputs that the run does not
    have (it stopped earlier, there is no original model) have no file.

    Raises SensorForgeClientError: unreachable services, a directory that cannot be written.
    """
    async with _staged(directory) as staging:
        for wanted in _LAYOUT:
            if artifact := outputs.get(wanted.role, ""):
                await source.download(artifact, wanted.file, staging / wanted.target)
        if report := outputs.get("report", ""):
            await _fetch_report(source, report, staging / "report")
        if "file_report" in outputs:
            await _write_json(staging / "validation.json", await _validation(source, outputs))
        await _write_json(staging / "lineage.json", await lineage(source, run, outputs))
        outdated = await asyncio.to_thread(_outdated, staging, directory, run)
        written = await asyncio.to_thread(_move, staging, directory)
        for path in outdated:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return written


async def write_report(source: ArtifactSource, report: str, directory: Path) -> tuple[Path, ...]:
    """Writes the files of a comparison's report into `directory`, with the summary of all machines, and returns their
    paths. Raises SensorForgeClientError as `write_results` does."""
    async with _staged(directory) as staging:
        await _fetch_report(source, report, staging)
        return await asyncio.to_thread(_move, staging, directory)


async def _fetch_report(source: ArtifactSource, report: str, folder: Path) -> None:
    for file in (await source.get_artifact(report)).files:
        await source.download(report, file.name, folder / Path(file.name).name)
    summary = await source.summarize_machines()
    await asyncio.to_thread((folder / "all_machines_summary.csv").write_text, summary, "utf-8")


@contextlib.asynccontextmanager
async def _staged(directory: Path) -> AsyncIterator[Path]:
    """Gives a folder beside `directory` for what arrives, and removes it in the end."""
    try:
        await asyncio.to_thread(directory.parent.mkdir, parents=True, exist_ok=True)
        staging = Path(
            await asyncio.to_thread(
                tempfile.mkdtemp, dir=directory.parent, prefix=f".{directory.name}.", suffix=".part"
            )
        )
    except OSError as failed:
        raise _unwritable(directory, failed) from None
    try:
        yield staging
    except OSError as failed:
        raise _unwritable(directory, failed) from None
    finally:
        await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)


async def lineage(source: ArtifactSource, run: str, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Returns how every output came to be: {schema_version, run, outputs by role, artifacts by name with operation,
    revision, parents, parameters, seed, producer and files}."""
    found: dict[str, artifacts_pb2.Artifact] = {}
    # The report and the data sets are the ends of the graph; what else there is may hang on neither.
    ends = [outputs[role] for role in ("report", "sets") if role in outputs]
    for name in [*ends, *outputs.values()]:
        if name in found:
            continue
        for artifact in await source.get_lineage(name):
            found[artifact.name] = artifact
    return {
        "schema_version": 1,
        "run": run,
        "outputs": dict(sorted(outputs.items())),
        "artifacts": {name: artifact_document(found[name]) for name in sorted(found)},
    }


def artifact_document(artifact: artifacts_pb2.Artifact) -> dict[str, Any]:
    """Returns a manifest as a document for programs."""
    return {
        "name": artifact.name,
        "kind": artifact.kind,
        "operation": artifact.operation,
        "revision": artifact.revision,
        "parents": dict(sorted(artifact.parents.items())),
        "params": json.loads(artifact.params_json) if artifact.params_json else {},
        "seed": artifact.seed,
        "producer": artifact.producer,
        "created": artifact.create_time.ToJsonString(),
        "files": [
            {"name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes, "rows": file.rows}
            for file in artifact.files
        ],
    }


async def _validation(source: ArtifactSource, outputs: Mapping[str, str]) -> dict[str, Any]:
    # The checks of the file as it is, with the checks of the mapped rows against the profile beside them.
    document: dict[str, Any] = await source.read_json(outputs["file_report"], "validation.json")
    if profile_report := outputs.get("profile_report", ""):
        document["profile_checks"] = await source.read_json(profile_report, "validation.json")
    return document


async def _write_json(path: Path, document: Any) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(path.write_text, text, "utf-8")


def _outdated(staging: Path, directory: Path, run: str) -> list[Path]:
    """Returns the files under `directory` that an earlier call wrote and that contradict what is in `staging`."""
    report = [*directory.glob("report/comparison.*"), *directory.glob("report/*.png")]
    there = report if (staging / "report").is_dir() else []
    try:
        earlier = json.loads((directory / "lineage.json").read_text("utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        earlier = run  # nobody knows whose files these are
    if earlier != run:
        there = [*report, directory / "validation.json", *(directory / wanted.target for wanted in _LAYOUT)]
    return [path for path in there if not (staging / path.relative_to(directory)).exists()]


def _move(staging: Path, directory: Path) -> tuple[Path, ...]:
    moved = []
    for file in sorted(path for path in staging.rglob("*") if path.is_file()):
        target = directory / file.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and _digest(target) == _digest(file)):
            os.replace(file, target)
        moved.append(target)
    return tuple(moved)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unwritable(directory: Path, failed: OSError) -> SensorForgeClientError:
    return SensorForgeClientError(
        "TARGET_UNWRITABLE",
        f"{directory} cannot be written: {failed.strerror or failed}.",
        kind="USAGE",
        remedy="Choose a directory for --out that you may write to and that has space left.",
    )
