"""Artifacts appear whole and once, are found newest first, know where they come from, and stay while needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.artifacts.catalog import Catalog
from services.artifacts.clock import format_utc
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.objects import ObjectStore
from services.artifacts.opening import open_store
from services.artifacts.parquet import describe, write_table
from services.chassis.errors import SensorForgeError
from tests.artifacts.publishing import Publish, draft, publisher


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(SensorForgeError) as refused:
        call()
    return refused.value.reason


def test_a_published_artifact_is_found_by_name_and_reads_back(catalog: Catalog, publish: Publish) -> None:
    manifest = publish(b'{"rows": 3}', kind="reports", file_name="validation.json")
    assert catalog.get(manifest.name) == manifest
    assert catalog.exists(manifest.name)
    assert catalog.read(manifest.name) == b'{"rows": 3}'
    assert catalog.read_json(manifest.name, "validation.json") == {"rows": 3}


def test_the_first_manifest_wins_and_the_second_bytes_are_never_shown(catalog: Catalog) -> None:
    first, second = draft(catalog, b"first"), draft(catalog, b"second attempt")
    assert first.name == second.name
    assert catalog.publish(first) == first
    assert catalog.publish(second) == first
    assert catalog.read(first.name) == b"first"
    assert catalog.list("pump-1", "clean") == ([first], "")


def test_publishers_that_race_all_get_the_same_manifest(
    reopen: Callable[[], ObjectStore], catalog: Catalog, backend: str
) -> None:
    racers = 6 if backend == "local" else 3
    catalogs = [Catalog(reopen()) for _ in range(racers)]
    drafts = [draft(one, b"attempt %d" % number) for number, one in enumerate(catalogs)]
    start = threading.Barrier(racers)

    def race(number: int) -> Manifest:
        start.wait()
        return catalogs[number].publish(drafts[number])

    with ThreadPoolExecutor(racers) as pool:
        published = list(pool.map(race, range(racers)))
    assert published.count(published[0]) == racers
    assert catalog.list("pump-1", "clean")[0] == [published[0]]


def test_a_manifest_whose_bytes_are_missing_or_short_is_not_published(catalog: Catalog) -> None:
    manifest = draft(catalog, b"bytes")
    short = replace(manifest, files=(replace(manifest.files[0], size_bytes=6),))
    assert reason_of(lambda: catalog.publish(short)) == "ARTIFACT_CORRUPT"
    catalog.store.delete([manifest.files[0].key])
    assert reason_of(lambda: catalog.publish(manifest)) == "ARTIFACT_CORRUPT"
    assert not catalog.exists(manifest.name)


def test_what_was_deleted_is_gone_and_can_be_created_again_and_again(catalog: Catalog, publish: Publish) -> None:
    for attempt in range(3):
        manifest = publish(b"attempt %d" % attempt)
        assert catalog.read(manifest.name) == b"attempt %d" % attempt
        assert catalog.list("pump-1", "clean") == ([manifest], "")
        catalog.delete(manifest.name)
        assert not catalog.exists(manifest.name)
        assert catalog.was_published(manifest.name)
        assert catalog.list("pump-1", "clean") == ([], "")
        assert reason_of(lambda name=manifest.name: catalog.get(name)) == "ARTIFACT_NOT_FOUND"
        assert reason_of(lambda name=manifest.name: catalog.read(name)) == "ARTIFACT_NOT_FOUND"
        catalog.delete(manifest.name)  # twice is once


def test_what_never_was_cannot_be_read_or_deleted(catalog: Catalog) -> None:
    name = "machines/pump-1/clean/" + "0" * 64
    assert not catalog.exists(name)
    assert not catalog.was_published(name)
    for call in (catalog.get, catalog.delete, catalog.read, catalog.ancestors, catalog.descendants):
        assert reason_of(lambda call=call: call(name)) == "ARTIFACT_NOT_FOUND"  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "clean",
        "machines/pump-1/clean/abc",
        "machines/pump-1/secrets/" + "0" * 64,
        "machines/../clean/" + "0" * 64,
        "machines/Pump/clean/" + "0" * 64,
        "machines/pump-1/clean/" + "0" * 64 + "/x",
        "machines/pump-1/clean/" + "0" * 63 + "\n",
    ],
)
def test_names_that_are_none_are_refused(local_catalog: Catalog, name: str) -> None:
    assert reason_of(lambda: local_catalog.get(name)) == "ARTIFACT_NAME_INVALID"


def test_deletion_and_publication_that_race_end_in_one_of_both(local_catalog: Catalog) -> None:
    manifest = local_catalog.publish(draft(local_catalog))
    others = [Catalog(open_store(local_catalog.store.url)) for _ in range(4)]
    start = threading.Barrier(4)

    def race(number: int) -> None:
        start.wait()
        for _ in range(5):
            if number % 2:
                others[number].delete(manifest.name)
            else:
                others[number].publish(draft(others[number], b"again %d" % number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    page, _ = local_catalog.list("pump-1", "clean")
    assert [item.name for item in page] == ([manifest.name] if local_catalog.exists(manifest.name) else [])
    for item in page:
        assert local_catalog.read(item.name).startswith((b"again", b"bytes"))


def test_pages_are_newest_first_and_hold_everything_once(catalog: Catalog, publish: Publish) -> None:
    made = [publish(seed=number).name for number in range(7)]
    seen: list[str] = []
    token = ""
    while True:
        page, token = catalog.list("pump-1", "clean", 3, token)
        assert len(page) <= 3
        seen += [manifest.name for manifest in page]
        if not token:
            break
    assert seen == made[::-1]


def test_a_page_that_ends_with_the_list_has_no_token(catalog: Catalog, publish: Publish) -> None:
    for number in range(4):
        publish(seed=number)
    _, token = catalog.list("pump-1", "clean", 2)
    page, token = catalog.list("pump-1", "clean", 2, token)
    assert (len(page), token) == (2, "")


def test_a_listing_goes_on_where_it_was_while_things_come_and_go(catalog: Catalog, publish: Publish) -> None:
    made = [publish(seed=number).name for number in range(5)]
    page, token = catalog.list("pump-1", "clean", 2)
    publish(seed=99)
    catalog.delete(made[3])  # the last one seen: the token must not depend on it
    catalog.delete(made[1])
    rest, token = catalog.list("pump-1", "clean", 2, token)
    assert [manifest.name for manifest in page + rest] == [made[4], made[3], made[2], made[0]]
    assert token == ""


def test_listings_know_machine_kind_and_operation(catalog: Catalog, publish: Publish) -> None:
    parsed = publish(operation="ingest.parse")
    cleaned = publish(operation="ingest.clean")
    publish(kind="processed")
    other = publish(machine="pump-10")
    assert catalog.list("pump-1", "clean")[0] == [cleaned, parsed]
    assert catalog.list("pump-1", "clean", operation="ingest.parse") == ([parsed], "")
    assert catalog.list("pump-10", "clean")[0] == [other]
    assert catalog.list("pump-2", "clean") == ([], "")
    assert {manifest.name for manifest in catalog.each("pump-1")} > {parsed.name, cleaned.name}
    assert len(list(catalog.each())) == 4


@pytest.mark.parametrize(
    "bad",
    [
        {"machine": "../pump", "kind": "clean"},
        {"machine": "", "kind": "clean"},
        {"machine": "pump-1", "kind": "dirty"},
        {"machine": "pump-1", "kind": "clean", "page_size": -1},
        {"machine": "pump-1", "kind": "clean", "page_token": "../../manifests"},
    ],
)
def test_listings_refuse_what_they_cannot_mean(local_catalog: Catalog, bad: dict[str, object]) -> None:
    assert reason_of(lambda: local_catalog.list(**bad)) == "INVALID_REQUEST"  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 10**6)), max_size=12),
    st.integers(1, 4),
)
def test_any_history_lists_what_is_alive_newest_first(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, bool, int]], page_size: int
) -> None:
    catalog = Catalog(open_store(str(tmp_path_factory.mktemp("store"))))
    alive: dict[str, Manifest] = {}
    for seed, wanted, microseconds in history:
        manifest = draft(catalog, seed=seed)
        if wanted:
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
            published = catalog.publish(replace(manifest, created=format_utc(moment)))
            assert published == alive.setdefault(manifest.name, published)
        elif catalog.was_published(manifest.name):
            catalog.delete(manifest.name)
            alive.pop(manifest.name, None)
    listed: list[Manifest] = []
    token = ""
    while True:
        page, token = catalog.list("pump-1", "clean", page_size, token)
        listed += page
        if not token:
            break
    assert sorted(item.name for item in listed) == sorted(alive)
    assert [item.created for item in listed] == sorted((item.created for item in alive.values()), reverse=True)


def family(publish: Publish) -> dict[str, Manifest]:
    raw = publish(kind="raw", operation="ingest.upload")
    profile = publish(kind="profiles", operation="machines.register")
    clean = publish(kind="clean", parents={"source-0": raw.name})
    mapped = publish(kind="processed", parents={"table": clean.name, "profile": profile.name})
    report = publish(kind="reports", parents={"table": mapped.name, "profile": profile.name})
    foreign = publish(machine="pump-2", kind="merged", parents={"table": mapped.name})
    return {
        "raw": raw,
        "profile": profile,
        "clean": clean,
        "mapped": mapped,
        "report": report,
        "foreign": foreign,
    }


def names(manifests: list[Manifest]) -> set[str]:
    return {manifest.name for manifest in manifests}


def test_lineage_leads_back_to_the_upload_and_forward_to_everything_made_of_it(
    catalog: Catalog, publish: Publish
) -> None:
    made = family(publish)
    up = catalog.ancestors(made["report"].name)
    assert up[0] == made["report"]
    assert names(up) == {made[role].name for role in ("report", "mapped", "profile", "clean", "raw")}
    down = catalog.descendants(made["raw"].name)
    assert down[0] == made["raw"]
    assert names(down) == {made[role].name for role in ("raw", "clean", "mapped", "report", "foreign")}
    assert catalog.ancestors(made["raw"].name) == [made["raw"]]
    assert catalog.descendants(made["foreign"].name) == [made["foreign"]]


def test_lineage_leads_past_what_was_deleted_in_between(catalog: Catalog, publish: Publish) -> None:
    made = family(publish)
    catalog.delete(made["clean"].name)
    assert made["raw"].name in names(catalog.ancestors(made["mapped"].name))
    assert made["mapped"].name in names(catalog.descendants(made["raw"].name))
    assert made["clean"].name not in names(catalog.descendants(made["raw"].name))
    assert made["clean"] in catalog.history(made["mapped"].name)


def test_hints_are_only_hints(catalog: Catalog, publish: Publish) -> None:
    made = family(publish)
    hints = [*catalog.store.list("index/"), *catalog.store.list("children/")]
    assert hints
    assert all(catalog.store.size(key) == 0 for key in hints)
    before = {role: catalog.list(item.machine, item.kind) for role, item in made.items()}
    catalog.store.create("index/pump-1/clean/251606881618473121-" + "0" * 64, b"")
    catalog.store.create("index/pump-1/clean/no-hint-at-all", b"")
    catalog.store.create(f"children/{made['raw'].name.removeprefix('machines/')}/pump-1/clean/" + "0" * 64, b"")
    assert {role: catalog.list(item.machine, item.kind) for role, item in made.items()} == before
    assert len(catalog.descendants(made["raw"].name)) == 5

    catalog.store.delete([*catalog.store.list("index/"), *catalog.store.list("children/")])
    assert catalog.list("pump-1", "clean") == ([], "")
    assert catalog.get(made["clean"].name) == made["clean"]
    assert catalog.rebuild_hints() == 6
    assert sorted([*catalog.store.list("index/"), *catalog.store.list("children/")]) == sorted(hints)
    assert {role: catalog.list(item.machine, item.kind) for role, item in made.items()} == before


def test_a_guard_can_keep_an_artifact(catalog: Catalog, publish: Publish) -> None:
    manifest = publish()
    catalog.add_guard(lambda name: "the unfinished job 7 reads it." if name == manifest.name else None)
    with pytest.raises(SensorForgeError, match="unfinished job 7") as refused:
        catalog.delete(manifest.name)
    assert refused.value.reason == "ARTIFACT_IN_USE"
    assert catalog.exists(manifest.name)


def test_a_deletion_is_taken_back_when_somebody_begins_to_depend_meanwhile(catalog: Catalog, publish: Publish) -> None:
    manifest = publish(b"wanted")
    answers = iter([None, "the job that started a moment ago reads it."])
    catalog.add_guard(lambda _: next(answers))
    assert reason_of(lambda: catalog.delete(manifest.name)) == "ARTIFACT_IN_USE"
    assert catalog.read(manifest.name) == b"wanted"
    assert catalog.list("pump-1", "clean") == ([manifest], "")


def test_a_file_is_lent_or_copied_and_copies_are_checked(
    catalog: Catalog, publish: Publish, tmp_path: Path, backend: str
) -> None:
    manifest = publish(b"x" * 3_000_000)
    path = catalog.fetch(manifest.name, "", tmp_path)
    assert path.read_bytes() == b"x" * 3_000_000
    assert (path.parent == tmp_path) is (backend == "s3")
    assert reason_of(lambda: catalog.fetch(manifest.name, "other.bin", tmp_path)) == "ARTIFACT_FILE_MISSING"


def tampered(catalog: Catalog, manifest: Manifest, data: bytes | None) -> None:
    key = manifest.files[0].key
    catalog.store.delete([key])
    if data is not None:
        catalog.store.create(key, data)


def test_bytes_that_are_not_those_of_the_manifest_are_never_handed_out(
    catalog: Catalog, publish: Publish, tmp_path: Path, backend: str
) -> None:
    manifest = publish(b"right")
    tampered(catalog, manifest, b"wrong")
    assert reason_of(lambda: catalog.read(manifest.name)) == "ARTIFACT_CORRUPT"
    if backend == "s3":
        assert reason_of(lambda: catalog.fetch(manifest.name, "", tmp_path)) == "ARTIFACT_CORRUPT"
        assert [path.name for path in tmp_path.iterdir()] == []
    tampered(catalog, manifest, None)
    for call in (catalog.read, catalog.read_table, lambda name: catalog.fetch(name, "", tmp_path)):
        assert reason_of(lambda call=call: call(manifest.name)) == "ARTIFACT_CORRUPT"  # type: ignore[misc]


def test_a_manifest_that_is_not_one_is_corrupt_and_not_a_crash(local_catalog: Catalog) -> None:
    name = "machines/pump-1/clean/" + "0" * 64
    for text in (b"", b"{", b"[]", b"{}", b'{"machine": "pump-1"}'):
        key = f"manifests/pump-1/clean/{'0' * 64}.json"
        local_catalog.store.create(key, text)
        assert reason_of(lambda: local_catalog.get(name)) == "ARTIFACT_CORRUPT"
        local_catalog.store.delete([key])


def test_tables_are_read_whole_or_by_column(catalog: Catalog, tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, float("nan")]})
    path = tmp_path / "made.parquet"
    write_table(path, table, units={"c": "°C"})
    manifest = draft(catalog, path.read_bytes(), file_name="table.parquet")
    rows, columns = describe(path)
    file: ArtifactFile = replace(manifest.files[0], rows=rows, columns=columns)
    published = catalog.publish(replace(manifest, files=(file,)))
    assert catalog.read_table(published.name).equals(table)
    assert catalog.read_table(published.name, "table.parquet", ["c", "a"]).columns == ["c", "a"]
    assert catalog.get(published.name).file().columns[2].unit == "°C"
    with pytest.raises(SensorForgeError, match="no column 'd'") as refused:
        catalog.read_table(published.name, columns=["a", "d"])
    assert refused.value.reason == "ARTIFACT_COLUMN_MISSING"


def test_manifests_survive_their_json(local_catalog: Catalog) -> None:
    manifest = replace(draft(local_catalog), params={"share": 0.25, "big": 1.5e17, "names": ["°C", None]})
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    assert Manifest.from_bytes(manifest.to_bytes()).to_bytes() == manifest.to_bytes()


def test_a_manifest_names_its_files_when_asked_for_another(publish_locally: Publish) -> None:
    manifest = publish_locally(file_name="train.parquet")
    assert manifest.file() == manifest.file("train.parquet") == manifest.files[0]
    with pytest.raises(SensorForgeError, match=r"train\.parquet"):
        manifest.file("val.parquet")


def test_two_machines_never_share_an_artifact(catalog: Catalog) -> None:
    publish = publisher(catalog)
    assert publish(machine="pump-1").hash != publish(machine="pump-2").hash
