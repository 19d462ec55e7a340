"""The collector takes only what nobody can want any more, and only on the second look."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.collect import main
from services.artifacts.collector import Collection, collect
from services.artifacts.default_model import DefaultModels
from services.artifacts.manifest import Manifest
from services.artifacts.opening import open_store
from services.artifacts.uploads import PART_BYTES, Uploads
from tests.artifacts.publishing import Publish, draft

DAY = timedelta(days=1)
LATER = datetime.now(UTC) + 30 * DAY


def keys(catalog: Catalog, *folders: str) -> set[str]:
    return {key for folder in folders for key in catalog.store.list(f"{folder}/")}


def collect_twice(catalog: Catalog, **options: Any) -> Collection:
    """Condemns at LATER and removes a day after."""
    collect(catalog, now=LATER, **options)
    return collect(catalog, now=LATER + DAY, **options)


def test_bytes_without_a_manifest_go_on_the_second_look_a_day_later(catalog: Catalog) -> None:
    key = draft(catalog, b"garbage").files[0].key
    first = collect(catalog, now=LATER)
    assert (first.condemned, first.removed) == ((key,), ())
    too_soon = collect(catalog, now=LATER + DAY - timedelta(minutes=1))
    assert (too_soon.condemned, too_soon.removed) == ((), ())
    assert catalog.store.get(key) == b"garbage"
    second = collect(catalog, now=LATER + DAY)
    assert (second.condemned, second.removed, second.removed_bytes) == ((), (key,), 7)
    assert keys(catalog, "clean", "condemned") == set()


def test_young_bytes_stay_since_their_manifest_may_be_on_its_way(catalog: Catalog) -> None:
    draft(catalog)
    outcome = collect(catalog)
    assert (outcome.condemned, outcome.removed, outcome.kept) == ((), (), 1)


def test_a_dry_run_says_and_does_nothing(catalog: Catalog) -> None:
    key = draft(catalog).files[0].key
    assert collect(catalog, now=LATER, dry_run=True).condemned == (key,)
    assert keys(catalog, "condemned") == set()


def test_live_artifacts_are_never_touched_and_deleted_ones_go(catalog: Catalog, publish: Publish) -> None:
    live, dead = publish(b"live", seed=1), publish(b"dead", seed=2)
    catalog.delete(dead.name)
    assert collect_twice(catalog).removed == (dead.files[0].key,)
    assert catalog.read(live.name) == b"live"
    again = publish(b"made again", seed=2)
    assert again.name == dead.name
    assert catalog.read(again.name) == b"made again"


def test_what_was_created_again_meanwhile_is_not_removed(catalog: Catalog) -> None:
    manifest = draft(catalog, b"published late")
    collect(catalog, now=LATER)
    catalog.publish(manifest)
    assert collect(catalog, now=LATER + DAY).removed == ()
    assert catalog.read(manifest.name) == b"published late"


def test_what_a_default_model_rests_on_stays_even_if_marked_deleted(catalog: Catalog, publish: Publish) -> None:
    rows = publish(b"rows", kind="merged")
    model = publish(b"model", kind="models", parents={"rows": rows.name})
    catalog.delete(rows.name)
    DefaultModels(catalog).activate("pump-1", model.name, 0)
    assert collect_twice(catalog).removed == ()
    assert catalog.store.get(rows.files[0].key) == b"rows"


def log(catalog: Catalog, job: str, *records: dict[str, Any]) -> None:
    """Writes a job's log as PROTOCOL has it."""
    for number, record in enumerate(records):
        catalog.store.create(f"jobs/{job}/1/{number:08}.json", json.dumps(record).encode())


def opened(**inputs: str) -> dict[str, Any]:
    return {"type": "opened", "derivation": {"inputs": inputs}}


@pytest.fixture
def unpublished(catalog: Catalog) -> Manifest:
    return draft(catalog, b"output")


def test_an_unfinished_job_keeps_its_outputs_checkpoints_and_inputs(
    catalog: Catalog, publish: Publish, unpublished: Manifest
) -> None:
    table = publish(b"input", kind="merged")
    catalog.delete(table.name)
    checkpoint = f"attempts/{unpublished.hash}/1/1/checkpoint"
    catalog.store.create(checkpoint, b"state")
    log(catalog, unpublished.hash, opened(table=table.name), {"type": "claim"})
    assert collect_twice(catalog).removed == ()

    catalog.store.create(f"jobs/{unpublished.hash}/1/00000002.json", b'{"type": "failed"}')
    removed = collect_twice(catalog).removed
    assert set(removed) == {checkpoint, table.files[0].key, unpublished.files[0].key}


def test_a_success_that_nobody_published_yet_keeps_its_outputs(catalog: Catalog, unpublished: Manifest) -> None:
    log(catalog, unpublished.hash, opened(), {"type": "claim"}, {"type": "succeeded", "outputs": [{"role": "table"}]})
    assert collect_twice(catalog).removed == ()
    catalog.publish(unpublished)
    catalog.store.create(f"published/{unpublished.hash}/1", b"")
    assert collect_twice(catalog).removed == ()
    catalog.delete(unpublished.name)
    assert collect_twice(catalog).removed == (unpublished.files[0].key,)


def test_an_upload_keeps_its_parts_until_it_expires(local_catalog: Catalog) -> None:
    uploads = Uploads(local_catalog.store, local_catalog)
    upload = uploads.open("pump-1", "a.csv", PART_BYTES + 1, "r-1")
    with uploads.writer(upload.name) as writer:
        writer.write(0, bytes(PART_BYTES))
    part = next(key for key in local_catalog.store.list("uploads/") if "/parts/" in key)
    soon = datetime.now(UTC) + 2 * DAY
    assert collect(local_catalog, now=soon, older_than=DAY).condemned == ()
    assert collect_twice(local_catalog).removed == (part,)
    assert uploads.get(upload.name).committed_bytes == 0


def test_journals_manifests_and_logs_are_never_collected(catalog: Catalog, publish: Publish) -> None:
    manifest = publish()
    catalog.delete(manifest.name)
    log(catalog, "0" * 64, opened(), {"type": "failed"})
    before = keys(catalog, "journals", "manifests", "jobs", "index")
    collect_twice(catalog)
    assert keys(catalog, "journals", "manifests", "jobs", "index") == before


def test_the_command_changes_nothing_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(str(tmp_path / "store"))
    with store.writer("clean/pump/x/1-1/table.parquet") as file:
        file.write(b"garbage")
    assert main(["--store", str(tmp_path / "store")]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert main(["--store", str(tmp_path / "store"), "--delete"]) == 0
    assert "removed 0 objects" in capsys.readouterr().out
    assert store.get("clean/pump/x/1-1/table.parquet") == b"garbage"
