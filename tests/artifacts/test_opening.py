"""URLs name stores, and a store that breaks the one promise is refused before anything is served from it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.artifacts.local import LocalStore
from services.artifacts.objects import ObjectExists, ObjectMissing, StoreDenied, StoreUnavailable, create_or_get
from services.artifacts.opening import open_store, probe
from services.chassis.errors import ErrorKind, SensorForgeError
from tests.s3_server import S3Server


class ChecksThenWrites(LocalStore):
    """Looks whether the key is free and then writes: the bug that several object stores have had."""

    def create(self, key: str, data: bytes) -> None:
        path = self.root / key
        if path.exists():
            raise ObjectExists(key)
        time.sleep(0.02)  # the window in which others look as well
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class IgnoresTheCondition(LocalStore):
    """Overwrites, as servers do that do not know If-None-Match."""

    def create(self, key: str, data: bytes) -> None:
        with self.writer(key) as sink:
            sink.write(data)


class RefusesButOverwrites(LocalStore):
    """Answers "exists" and stores the second bytes all the same."""

    def create(self, key: str, data: bytes) -> None:
        try:
            super().create(key, data)
        except ObjectExists:
            with self.writer(key) as sink:
                sink.write(data)
            raise


class ListsLater(LocalStore):
    """Lists what was created some time ago."""

    def list(self, prefix: str, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        return iter([])


class ReadsLater(LocalStore):
    """Reads what was created some time ago."""

    def get(self, key: str) -> bytes:
        raise ObjectMissing(key)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (ChecksThenWrites, "racing creates of one key succeeded"),
        (IgnoresTheCondition, "a second create of one key succeeded"),
        (RefusesButOverwrites, "had won its key"),
        (ListsLater, "a listing right after"),
        (ReadsLater, "could not be read right after"),
    ],
)
def test_a_broken_store_is_refused_and_told_why(tmp_path: Path, broken: type[LocalStore], what: str) -> None:
    with pytest.raises(SensorForgeError, match=what) as refused:
        probe(broken(tmp_path))
    assert refused.value.reason == "STORE_NOT_ATOMIC"


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_a_directory_is_opened_by_path_or_url_and_made_when_missing(tmp_path: Path, form: str) -> None:
    store = open_store(form.format(tmp_path / "new" / "store"))
    store.create("key", b"data")
    assert (tmp_path / "new" / "store" / "key").read_bytes() == b"data"
    assert open_store(store.url).get("key") == b"data"


@pytest.mark.parametrize("url", ["", "gs://bucket", "s3://", "http://host/bucket", "file://host/share"])
def test_other_urls_name_no_store(url: str) -> None:
    with pytest.raises(SensorForgeError) as refused:
        open_store(url)
    assert refused.value.reason == "STORE_URL_INVALID"
    assert refused.value.kind is ErrorKind.USAGE


def test_a_directory_that_cannot_be_made_is_an_unavailable_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable):
        open_store(str(tmp_path / "file" / "store"))


def test_a_server_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORFORGE_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
        open_store("s3://bucket/prefix")


@pytest.mark.s3
def test_wrong_credentials_are_denied_and_not_retried_for_long(s3_server: S3Server) -> None:
    from services.artifacts.s3 import S3ObjectStore, S3Settings

    store = S3ObjectStore(
        S3Settings("ready", endpoint=s3_server.endpoint, access_key="sensorforge-test", secret_key="not the secret")
    )

    def write() -> None:
        with store.writer("key") as sink:
            sink.write(b"1")

    began = time.monotonic()
    for use in (
        write,
        lambda: store.create("key", b""),
        lambda: store.get("key"),
        lambda: store.size("key"),
        lambda: list(store.list("")),
        lambda: store.put_file("key", Path(__file__)),
        lambda: create_or_get(store, "key", b""),
    ):
        with pytest.raises(StoreDenied):
            use()
    assert time.monotonic() - began < 10


@pytest.mark.s3
def test_a_store_never_shows_its_secret(s3_server: S3Server) -> None:
    from services.artifacts.s3 import S3ObjectStore, S3Settings

    settings = S3Settings("ready", endpoint=s3_server.endpoint, access_key="sensorforge-test", secret_key="hush-hush")
    store = S3ObjectStore(settings)
    with pytest.raises(StoreDenied) as denied:
        store.get("key")
    for text in (repr(settings), repr(store), store.url, str(denied.value), denied.value.remedy):
        assert "hush-hush" not in text


@pytest.mark.s3
def test_prefixes_of_one_bucket_are_separate_stores(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    one, two, whole = (open_store(f"s3://prefixes{prefix}") for prefix in ("/plant/one", "/plant/two/", ""))
    one.create("key", b"one")
    two.create("key", b"two")
    assert (one.get("key"), two.get("key")) == (b"one", b"two")
    assert list(one.list("")) == ["key"]
    assert list(whole.list("plant/")) == ["plant/one/key", "plant/two/key"]
