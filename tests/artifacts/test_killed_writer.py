"""A writer that is killed at any step leaves nothing half-written to see, and whoever tries again succeeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.objects import ObjectMissing
from services.artifacts.opening import open_store
from tests.artifacts.publishing import draft
from tests.s3_server import S3Server

ROOT = Path(__file__).resolve().parents[2]


def deaths(operation: str) -> list[dict[str, Any]]:
    """Returns one report for every step at which the operation was killed, and for the run that survived.

    A killed process loses nothing that the kernel has, so a file system in memory shows the same, without the waiting.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        return _deaths(operation, folder)


def _deaths(operation: str, folder: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.artifacts.dying", operation, folder],
        cwd=ROOT,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["died"] for report in reports] == [True] * (len(reports) - 1) + [False], "all but the last died"
    assert len(reports) > 15, "the operation has steps to die at"
    return reports


@pytest.mark.parametrize("operation", ["create", "write", "put_file"])
def test_an_object_is_whole_or_not_there_at_every_step(operation: str) -> None:
    for report in deaths(operation):
        assert report["visible"] in ({}, {"deep/folder/key.json": "whole"}), report
        assert report["swept"], report
        assert report["retried"] == {"deep/folder/key.json": "whole"}, report


def test_a_dead_writer_leaves_at_most_one_temporary_file_and_the_next_start_sweeps_it() -> None:
    reports = deaths("create")
    assert {report["left"] for report in reports if report["died"]} == {0, 1}
    assert all(report["swept"] for report in reports)


def test_a_journal_entry_is_whole_or_not_there_at_every_step() -> None:
    for report in deaths("append"):
        assert report["visible"] in ({}, {"journals/deep/00000001.json": "whole"}), report
        numbers = sorted(report["retried"])
        assert numbers == [f"journals/deep/{n:08}.json" for n in range(1, len(numbers) + 1)], report
        assert set(report["retried"].values()) == {"whole"}


def test_an_artifact_is_listed_linked_and_readable_or_not_there_at_every_step() -> None:
    for report in deaths("publish"):
        assert set(report["visible"].values()) == {"whole"}, report
        for shown, at_least in ((report["artifacts"], 0), (report["artifacts retried"], 1)):
            assert at_least <= len(shown["clean"]) <= 1, report
            assert len(shown["raw"]) == 1
            assert shown["clean-unlisted"] == shown["raw-unlisted"] == []
            assert "orphans" not in shown


@pytest.mark.parametrize("operation", ["delete", "publish again"])
def test_an_artifact_is_deleted_or_not_at_every_step(operation: str) -> None:
    for report in deaths(operation):
        assert set(report["visible"].values()) == {"whole"}, report
        assert len(report["artifacts"]["clean"]) <= 1, report
        assert len(report["artifacts retried"]["clean"]) == (0 if operation == "delete" else 1), report
        for shown in (report["artifacts"], report["artifacts retried"]):
            assert shown["clean-unlisted"] == [], report
            assert "orphans" not in shown


S3_WRITER = """
import os, signal, sys
from services.artifacts.opening import open_store
store, moment = open_store(sys.argv[1]), sys.argv[2]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
with store.writer("bulk/file") as sink:
    if moment == "before the first byte": die()
    sink.write(bytes(20 << 20))
    if moment == "in the middle": die()
    sink.write(bytes(3))
    sink.flush()
    if moment == "before completion": die()
if moment == "after completion": die()
"""


@pytest.mark.s3
@pytest.mark.parametrize("moment", ["before the first byte", "in the middle", "before completion", "after completion"])
def test_a_killed_multipart_upload_never_becomes_an_object(
    s3_server: S3Server, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://killed/{moment.replace(' ', '-')}"
    done = subprocess.run([sys.executable, "-c", S3_WRITER, url, moment], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    store = open_store(url)
    whole = moment == "after completion"
    assert list(store.list("")) == (["bulk/file"] if whole else [])
    if whole:
        assert store.size("bulk/file") == (20 << 20) + 3
    else:
        with pytest.raises(ObjectMissing):
            store.get("bulk/file")
    with store.writer("bulk/file") as sink:
        sink.write(b"retried")
    assert store.get("bulk/file") == b"retried"


def test_bytes_without_a_manifest_are_seen_by_nobody(catalog: Catalog) -> None:
    manifest = draft(catalog, b"written, never published")
    assert not catalog.exists(manifest.name)
    assert catalog.list("pump-1", "clean") == ([], "")
    assert list(catalog.each()) == []
