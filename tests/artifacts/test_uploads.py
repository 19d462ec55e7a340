"""An upload goes on where it broke, at any replica, and becomes an artifact only as the bytes the client read."""

from __future__ import annotations

import hashlib
import random
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.artifacts import uploads as module
from services.artifacts.catalog import Catalog
from services.artifacts.objects import ObjectStore, check_key
from services.artifacts.uploads import PART_BYTES, Upload, Uploads, raw_digest, safe_file_name
from services.chassis.errors import ErrorKind, SensorForgeError

MIB = 1 << 20
DATA = random.Random(5).randbytes(2 * PART_BYTES + 3 * MIB + 77)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def uploads(store: ObjectStore, catalog: Catalog) -> Uploads:
    return Uploads(store, catalog)


def send(uploads: Uploads, upload: Upload, data: bytes = DATA, until: int | None = None) -> int:
    """Sends from committed_bytes in chunks of 1 MiB, up to `until`; returns what was durable when the stream ended."""
    with uploads.writer(upload.name) as writer:
        for start in range(writer.committed_bytes, until if until is not None else len(data), MIB):
            chunk = data[start : start + MIB]
            writer.write(start, chunk, zlib.crc32(chunk))
        return writer.committed_bytes


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(SensorForgeError) as refused:
        call()
    return refused.value.reason


def test_a_file_sent_in_one_go_becomes_a_raw_artifact(uploads: Uploads, catalog: Catalog) -> None:
    upload = uploads.open("pump-1", "C:\\data\\März 2026.csv", len(DATA), "r-1")
    assert upload.committed_bytes == 0
    assert send(uploads, upload) == len(DATA)
    manifest, existed = uploads.finish(upload.name, SHA256, producer="test")
    assert not existed
    assert (manifest.kind, manifest.operation, manifest.revision) == ("raw", "ingest.upload", 1)
    assert manifest.params == {"file_name": "C:\\data\\März 2026.csv", "sha256": SHA256, "size_bytes": len(DATA)}
    assert manifest.file().name == "M_rz_2026.csv"
    assert manifest.file().sha256 == SHA256
    assert catalog.read(manifest.name) == DATA


def test_parts_are_gone_once_the_file_is_an_artifact(uploads: Uploads, store: ObjectStore) -> None:
    upload = uploads.open("pump-1", "a.csv", len(DATA), "r-1")
    send(uploads, upload)
    uploads.finish(upload.name, SHA256)
    assert [key for key in store.list("uploads/") if "/parts/" in key] == []
    assert uploads.get(upload.name).committed_bytes == len(DATA)


@pytest.mark.parametrize("cut", [0, MIB, PART_BYTES - MIB, PART_BYTES, PART_BYTES + 5 * MIB, 2 * PART_BYTES + 2 * MIB])
def test_a_cut_upload_goes_on_at_its_last_whole_part_at_another_replica(
    uploads: Uploads, reopen: Callable[[], ObjectStore], cut: int
) -> None:
    upload = uploads.open("pump-1", "a.csv", len(DATA), "r-1")
    committed = send(uploads, upload, until=cut)
    assert committed == cut // PART_BYTES * PART_BYTES

    other_store = reopen()
    other = Uploads(other_store, Catalog(other_store))
    again = other.open("pump-1", "a.csv", len(DATA), "r-1")
    assert (again.name, again.committed_bytes) == (upload.name, committed)
    assert other.get(upload.name) == again
    assert send(other, again) == len(DATA)
    manifest, existed = uploads.finish(upload.name, SHA256)
    assert not existed
    assert Catalog(other_store).read(manifest.name) == DATA


def test_committed_bytes_end_at_the_first_missing_part(uploads: Uploads, store: ObjectStore) -> None:
    upload = uploads.open("pump-1", "a.csv", len(DATA), "r-1")
    send(uploads, upload)
    store.delete([key for key in store.list("uploads/") if key.endswith("parts/000001")])
    assert uploads.get(upload.name).committed_bytes == PART_BYTES
    assert reason_of(lambda: uploads.finish(upload.name, SHA256)) == "UPLOAD_INCOMPLETE"
    send(uploads, upload)
    assert not uploads.finish(upload.name, SHA256)[1]


def test_finishing_again_gives_the_same_answer(uploads: Uploads) -> None:
    upload = uploads.open("pump-1", "a.csv", 3, "r-1")
    send(uploads, upload, b"abc")
    sha256 = hashlib.sha256(b"abc").hexdigest()
    first = uploads.finish(upload.name, sha256)
    assert uploads.finish(upload.name, sha256) == first
    assert uploads.finish(upload.name, sha256.upper()) == first
    assert uploads.open("pump-1", "a.csv", 3, "r-1").finished == first[0].name
    assert reason_of(lambda: uploads.finish(upload.name, "0" * 64)) == "UPLOAD_DIGEST_MISMATCH"


def test_replicas_that_finish_at_once_agree(uploads: Uploads, reopen: Callable[[], ObjectStore]) -> None:
    upload = uploads.open("pump-1", "a.csv", len(DATA), "r-1")
    send(uploads, upload)
    start = threading.Barrier(3)

    def finish(_: int) -> tuple[object, bool]:
        store = reopen()
        mine = Uploads(store, Catalog(store))
        start.wait()
        return mine.finish(upload.name, SHA256)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(finish, range(3)))
    assert answers == [answers[0]] * 3
    assert answers[0][1] is False


def test_the_same_bytes_again_are_present_already_but_only_after_they_were_sent(
    uploads: Uploads, store: ObjectStore
) -> None:
    first = uploads.open("pump-1", "a.csv", 3, "r-1")
    send(uploads, first, b"abc")
    sha256 = hashlib.sha256(b"abc").hexdigest()
    manifest, _ = uploads.finish(first.name, sha256)

    second = uploads.open("pump-1", "same-bytes.csv", 3, "r-2")
    assert second.committed_bytes == 0
    assert reason_of(lambda: uploads.finish(second.name, sha256)) == "UPLOAD_INCOMPLETE"
    send(uploads, second, b"xyz")
    assert reason_of(lambda: uploads.finish(second.name, sha256)) == "UPLOAD_DIGEST_MISMATCH"

    third = uploads.open("pump-1", "same-bytes.csv", 3, "r-3")
    send(uploads, third, b"abc")
    assert uploads.finish(third.name, sha256) == (manifest, True)
    assert len(list(store.list("raw/"))) == 1


def test_the_same_bytes_for_another_machine_are_another_artifact(uploads: Uploads) -> None:
    answers = []
    for machine in ("pump-1", "pump-2"):
        upload = uploads.open(machine, "a.csv", 3, "r-1")
        send(uploads, upload, b"abc")
        answers.append(uploads.finish(upload.name, hashlib.sha256(b"abc").hexdigest()))
    assert [existed for _, existed in answers] == [False, False]
    assert answers[0][0].hash != answers[1][0].hash


def test_bytes_that_changed_on_the_way_never_become_an_artifact(uploads: Uploads, catalog: Catalog) -> None:
    upload = uploads.open("pump-1", "a.csv", 3, "r-1")
    send(uploads, upload, b"abd")
    with pytest.raises(SensorForgeError, match=r"a\.csv") as refused:
        uploads.finish(upload.name, hashlib.sha256(b"abc").hexdigest())
    assert refused.value.reason == "UPLOAD_DIGEST_MISMATCH"
    assert refused.value.kind is ErrorKind.INPUT
    assert list(catalog.store.list("raw/")) == []
    assert catalog.list("pump-1", "raw") == ([], "")


def test_a_deleted_file_can_be_uploaded_again_by_the_same_request(uploads: Uploads, catalog: Catalog) -> None:
    sha256 = hashlib.sha256(b"abc").hexdigest()
    for _ in range(2):
        upload = uploads.open("pump-1", "a.csv", 3, "r-1")
        assert upload.finished == ""
        send(uploads, upload, b"abc")
        manifest, existed = uploads.finish(upload.name, sha256)
        assert not existed
        assert catalog.read(manifest.name) == b"abc"
        catalog.delete(manifest.name)


def test_an_expired_upload_begins_anew(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    old = uploads.open("pump-1", "a.csv", 3, "r-1")
    send(uploads, old, b"abc")
    monkeypatch.setattr(module, "utc_now", lambda: "2099-01-01T00:00:00.000000Z")
    new = uploads.open("pump-1", "a.csv", 3, "r-1")
    assert new.name != old.name
    assert new.committed_bytes == 0


def test_one_request_is_one_file(uploads: Uploads) -> None:
    first = uploads.open("pump-1", "a.csv", 3, "r-1")
    assert uploads.open("pump-1", "a.csv", 3, "r-1") == first
    assert uploads.open("pump-1", "a.csv", 3, "r-2").name != first.name
    for file_name, size in (("b.csv", 3), ("a.csv", 4)):
        assert reason_of(lambda f=file_name, s=size: uploads.open("pump-1", f, s, "r-1")) == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("offset", "data", "crc32", "reason"),
    [
        (1, b"a", None, "UPLOAD_OFFSET"),
        (-1, b"a", None, "UPLOAD_OFFSET"),
        (0, b"abcd", None, "UPLOAD_TOO_LONG"),
        (0, b"abc", 7, "UPLOAD_CHUNK_CORRUPT"),
    ],
)
def test_bytes_that_do_not_fit_are_refused_and_nothing_is_kept(
    uploads: Uploads, store: ObjectStore, offset: int, data: bytes, crc32: int | None, reason: str
) -> None:
    upload = uploads.open("pump-1", "a.csv", 3, "r-1")
    with uploads.writer(upload.name) as writer:
        assert reason_of(lambda: writer.write(offset, data, crc32)) == reason
        assert writer.committed_bytes == 0
        writer.write(0, b"abc", zlib.crc32(b"abc"))
    assert uploads.get(upload.name).committed_bytes == 3


def test_a_wrong_offset_names_the_right_one(uploads: Uploads) -> None:
    upload = uploads.open("pump-1", "a.csv", len(DATA), "r-1")
    send(uploads, upload, until=PART_BYTES + MIB)
    with uploads.writer(upload.name) as writer, pytest.raises(SensorForgeError) as refused:
        writer.write(PART_BYTES + MIB, b"x")
    assert refused.value.metadata == {"committed_bytes": str(PART_BYTES)}


def test_what_is_no_upload_is_not_found(uploads: Uploads) -> None:
    for name in ("", "machines/pump-1/uploads/" + "0" * 32, "machines/pump-1/uploads/../../etc", "machines/pump-1"):
        assert reason_of(lambda name=name: uploads.get(name)) == "UPLOAD_NOT_FOUND"
        assert reason_of(lambda name=name: uploads.finish(name, "0" * 64)) == "UPLOAD_NOT_FOUND"


def test_an_empty_file_is_refused_before_it_is_sent(uploads: Uploads) -> None:
    assert reason_of(lambda: uploads.open("pump-1", "a.csv", 0, "r-1")) == "UPLOAD_EMPTY"
    assert reason_of(lambda: uploads.open("../pump", "a.csv", 1, "r-1")) == "INVALID_REQUEST"
    assert reason_of(lambda: uploads.open("pump-1", "a.csv", 1, "")) == "INVALID_REQUEST"


def test_the_id_of_a_file_follows_from_machine_and_bytes() -> None:
    assert raw_digest("pump-1", SHA256, 7) == raw_digest("pump-1", SHA256, 7)
    assert raw_digest("pump-1", SHA256, 7) != raw_digest("pump-2", SHA256, 7)


@given(st.text(max_size=300))
def test_any_file_name_becomes_a_plain_one(file_name: str) -> None:
    plain = safe_file_name(file_name)
    assert check_key(plain) == plain
    assert "/" not in plain
    assert safe_file_name(plain) == plain


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [
        ("data.csv", "data.csv"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        (".bashrc", "bashrc"),
        ("..", "file"),
        ("a b (1).csv", "a_b_1_.csv"),
        ("Ä.csv", "_.csv"),
        ("x" * 300 + ".parquet", "x" * 60 + "_" + "x" * 51 + ".parquet"),
    ],
    ids=lambda text: text[:12],
)
def test_file_names_keep_what_is_plain(file_name: str, plain: str) -> None:
    assert safe_file_name(file_name) == plain
