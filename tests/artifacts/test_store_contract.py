"""What every store promises, shown on a directory and on a real S3 server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore, check_key, create_or_get, key_segment
from services.artifacts.opening import open_store, probe

MIB = 1 << 20


def test_a_healthy_store_passes_the_probe_and_keeps_nothing_of_it(store: ObjectStore) -> None:
    probe(store)
    assert list(store.list("")) == []


@pytest.mark.parametrize("data", [b"", b"small", bytes(range(256)) * 40_000], ids=["empty", "small", "10 MB"])
def test_a_created_object_reads_back_whole(store: ObjectStore, data: bytes) -> None:
    store.create("a/b/c.json", data)
    assert store.get("a/b/c.json") == data
    assert store.size("a/b/c.json") == len(data)


def test_a_second_create_is_refused_and_changes_nothing(store: ObjectStore) -> None:
    store.create("key", b"first")
    with pytest.raises(ObjectExists):
        store.create("key", b"second")
    assert store.get("key") == b"first"


def test_create_or_get_tells_winner_and_loser_the_same_bytes(store: ObjectStore) -> None:
    assert create_or_get(store, "key", b"mine") == b"mine"
    assert create_or_get(store, "key", b"yours") == b"mine"


def test_racing_threads_have_one_winner_a_key(store: ObjectStore, backend: str) -> None:
    racers = 8
    for number in range(20 if backend == "local" else 2):  # SeaweedFS makes losers of a race wait whole seconds
        barrier = threading.Barrier(racers)

        def race(racer: int, key: str = f"race/{number}", start: threading.Barrier = barrier) -> bytes | None:
            start.wait()
            data = b"%d" % racer * 1000
            try:
                store.create(key, data)
            except ObjectExists:
                return None
            return data

        with ThreadPoolExecutor(racers) as pool:
            won = [data for data in pool.map(race, range(racers)) if data is not None]
        assert won == [store.get(f"race/{number}")]


RACER = """
import sys
from services.artifacts.objects import ObjectExists
from services.artifacts.opening import open_store
store, racer = open_store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    try:
        store.create(f"race/{number:02}", racer.encode())
    except ObjectExists:
        continue
    print(number)
"""


def test_racing_processes_have_one_winner_a_key(store: ObjectStore, store_url: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store_url, str(racer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for racer in range(3)
    ]
    for process in racers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = {}
    for racer, process in enumerate(racers):
        said, _ = process.communicate(timeout=60)
        for number in said.split():
            assert number not in won, "two processes won one key"
            won[number] = str(racer).encode()
    assert len(won) == 25
    assert {number: store.get(f"race/{int(number):02}") for number in won} == won


def test_ranges_end_where_the_object_ends(store: ObjectStore) -> None:
    store.create("key", b"0123456789")
    assert store.get_range("key", 3, 4) == b"3456"
    assert store.get_range("key", 8, 100) == b"89"
    assert store.get_range("key", 10, 5) == b""
    assert store.get_range("key", 99, 5) == b""
    assert store.get_range("key", 2, 0) == b""
    store.create("empty", b"")
    assert store.get_range("empty", 0, 5) == b""


def test_what_is_not_there_is_missing_to_every_reader(store: ObjectStore) -> None:
    store.create("folder/key", b"")
    for key in ("nothing", "folder", "folder/key/below", "nowhere/at/all"):
        with pytest.raises(ObjectMissing):
            store.get(key)
        with pytest.raises(ObjectMissing):
            store.get_range(key, 0, 1)
        with pytest.raises(ObjectMissing):
            store.size(key)
        with pytest.raises(ObjectMissing):
            next(store.chunks(key))


@pytest.mark.parametrize("start", [0, 1, MIB, 9 * MIB + 5, 9 * MIB + 11, 20 * MIB])
def test_chunks_are_the_rest_of_the_object(store: ObjectStore, start: int) -> None:
    data = bytes(range(251)) * (9 * MIB // 251) + b"x" * 300
    with store.writer("bulk") as sink:
        sink.write(data)
    chunks = list(store.chunks("bulk", start, MIB))
    assert b"".join(chunks) == data[start:]
    assert all(len(chunk) == MIB for chunk in chunks[:-1])
    assert all(chunks)


def test_bulk_bytes_appear_when_the_block_ends_and_not_before(store: ObjectStore) -> None:
    block = bytes(MIB)
    with store.writer("bulk/file") as sink:
        for _ in range(17):
            sink.write(block)
        assert list(store.list("bulk/")) == []
        with pytest.raises(ObjectMissing):
            store.size("bulk/file")
    assert store.size("bulk/file") == 17 * MIB


def test_a_block_that_fails_leaves_nothing(store: ObjectStore) -> None:
    with pytest.raises(ZeroDivisionError), store.writer("bulk/file") as sink:
        sink.write(bytes(17 * MIB))
        raise ZeroDivisionError
    assert list(store.list("")) == []
    with store.writer("bulk/file") as sink:
        sink.write(b"again")
    assert store.get("bulk/file") == b"again"


def test_an_empty_block_makes_an_empty_object(store: ObjectStore) -> None:
    with store.writer("empty"):
        pass
    assert store.get("empty") == b""


def test_a_library_may_close_the_sink_it_was_given(store: ObjectStore) -> None:
    with store.writer("closed") as sink:
        sink.write(b"all of it")
        assert sink.tell() == 9
        sink.close()
    assert store.get("closed") == b"all of it"


def test_writing_an_attempts_key_again_replaces_it_whole(store: ObjectStore) -> None:
    for data in (b"a longer first attempt", b"second"):
        with store.writer("attempt/file") as sink:
            sink.write(data)
    assert store.get("attempt/file") == b"second"


@pytest.mark.parametrize("size", [0, 10, 17 * MIB + 3])
def test_a_file_is_stored_as_it_is(store: ObjectStore, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"7" * size)
    store.put_file("stored", path)
    path.write_bytes(b"changed afterwards")
    assert store.get("stored") == b"7" * size


def test_a_file_that_is_not_there_is_the_callers_error(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("key", tmp_path / "nothing")


def test_a_directory_lends_its_file_and_a_bucket_has_none(store: ObjectStore, backend: str) -> None:
    store.create("a/key", b"data")
    path = store.local_path("a/key")
    if backend == "s3":
        assert path is None
    else:
        assert path is not None
        assert path.read_bytes() == b"data"
        with pytest.raises(ObjectMissing):
            store.local_path("a/nothing")


KEYS = ["a", "b-c/x", "b/x", "b/y/z", "b.d/x", "b0", "B", "index/1", "index/10", "index/2", "index2/1"]


def test_listings_are_in_the_order_of_whole_keys(store: ObjectStore) -> None:
    for key in KEYS:
        store.create(key, b"")
    ordered = sorted(KEYS)
    assert list(store.list("")) == ordered
    for prefix in ("b", "b/", "index/1", "index/", "index", "nothing/", "nothing"):
        assert list(store.list(prefix)) == [key for key in ordered if key.startswith(prefix)]
    for last in (*ordered, "b/", "c", "index/10x"):
        assert list(store.list("", start_after=last)) == [key for key in ordered if key > last]
        assert list(store.list("index/", start_after=last)) == [
            key for key in ordered if key.startswith("index/") and key > last
        ]
    assert list(store.list("", limit=3)) == ordered[:3]
    assert list(store.list("index/", start_after="index/1", limit=1)) == ["index/10"]
    assert list(store.list("", limit=0)) == []


def test_listings_are_longer_than_a_servers_page(store: ObjectStore) -> None:
    keys = [f"many/{number:05}" for number in range(1_050)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.create(key, b""), keys))
    assert list(store.list("many/")) == keys
    assert list(store.list("many/", start_after=keys[1_010])) == keys[1_011:]
    store.delete(keys)
    assert list(store.list("many/")) == []


def test_a_scan_knows_size_and_age(store: ObjectStore) -> None:
    store.create("a/1", b"123")
    store.create("b/2", b"")
    found = {item.key: item for item in store.scan("a/")}
    assert list(found) == ["a/1"]
    assert found["a/1"].size == 3
    assert abs(found["a/1"].modified - time.time()) < 60


def test_deleted_keys_are_free_again_and_missing_ones_are_fine(store: ObjectStore) -> None:
    store.create("a/1", b"old")
    store.delete(["a/1", "a/never", "never/at/all"])
    with pytest.raises(ObjectMissing):
        store.get("a/1")
    assert list(store.list("")) == []
    store.create("a/1", b"new")
    assert store.get("a/1") == b"new"
    store.delete([])


BAD_KEYS = [
    "",
    "/etc/passwd",
    "a/",
    "a//b",
    "..",
    "../a",
    "a/../../b",
    "a/./b",
    ".hidden",
    "a/.writing",
    "a\\b",
    "a\0b",
    "a b",
    "é",
    "a\n",
    "~/a",
    "a" * 201,
    "/".join(["a" * 100] * 10),
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_could_leave_the_store_are_refused_everywhere(local_or_s3: ObjectStore, key: str) -> None:
    store = local_or_s3
    for use in (
        lambda: store.create(key, b""),
        lambda: store.get(key),
        lambda: store.get_range(key, 0, 1),
        lambda: store.size(key),
        lambda: next(store.chunks(key)),
        lambda: store.writer(key).__enter__(),
        lambda: store.put_file(key, Path(__file__)),
        lambda: store.delete([key]),
        lambda: store.local_path(key),
    ):
        with pytest.raises(ValueError):
            use()


@pytest.mark.parametrize("prefix", ["/", "../", "a//", "a/../b", "a\\"])
def test_prefixes_that_could_leave_the_store_are_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(ValueError):
        list(store.list(prefix))
    with pytest.raises(ValueError):
        list(store.scan(prefix))


@pytest.fixture
def local_or_s3(store: ObjectStore) -> ObjectStore:
    return store


@given(st.text())
def test_any_text_makes_a_key_segment_and_different_texts_make_different_ones(text: str) -> None:
    segment = key_segment(text)
    assert check_key(segment) == segment
    assert "/" not in segment
    assert (key_segment(text + "x") == segment) is False


segments = st.text("ab.-_0B", min_size=1, max_size=3).filter(lambda text: text[0] not in ".-")
keys = st.lists(segments, min_size=1, max_size=3).map("/".join)


def _no_folder_is_an_object(found: set[str]) -> set[str]:
    return {key for key in found if not any(other.startswith(f"{key}/") for other in found)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(keys, max_size=12).map(_no_folder_is_an_object), keys)
def test_any_directory_of_keys_lists_in_order(
    tmp_path_factory: pytest.TempPathFactory, some: set[str], last: str
) -> None:
    store = open_store(str(tmp_path_factory.mktemp("store")))
    for key in some:
        store.create(key, key.encode())
    assert list(store.list("")) == sorted(some)
    assert list(store.list("", start_after=last)) == sorted(key for key in some if key > last)
    assert list(store.list(last)) == sorted(key for key in some if key.startswith(last))
    assert all(store.get(key) == key.encode() for key in some)
