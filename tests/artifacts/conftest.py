"""Stores to test against: a directory and a real S3 server, behind one fixture."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.objects import ObjectStore
from services.artifacts.opening import open_store
from tests.artifacts.publishing import Publish, publisher
from tests.s3_server import S3Server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Returns a running S3 server, one for all tests of the session."""
    with S3Server() as server:
        yield server


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def backend(request: pytest.FixtureRequest) -> str:
    """Returns which backend the test runs on; a test that uses `store` or `catalog` runs once on each."""
    return str(request.param)


@pytest.fixture
def store_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Returns the URL of an empty store that this process and its children can open."""
    if backend == "local":
        return str(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://contract/{uuid.uuid4().hex}"


@pytest.fixture
def store(store_url: str) -> ObjectStore:
    """Returns an empty store."""
    return open_store(store_url)


@pytest.fixture
def catalog(store: ObjectStore) -> Catalog:
    """Returns the catalogue of an empty store."""
    return Catalog(store)


@pytest.fixture
def local_catalog(tmp_path: Path) -> Catalog:
    """Returns the catalogue of an empty directory, where the backend makes no difference."""
    return Catalog(open_store(str(tmp_path / "store")))


@pytest.fixture
def publish(catalog: Catalog) -> Publish:
    """Returns a function that stores bytes and publishes them as an artifact of `catalog`."""
    return publisher(catalog)


@pytest.fixture
def publish_locally(local_catalog: Catalog) -> Publish:
    """Returns the same for `local_catalog`."""
    return publisher(local_catalog)


Reopen = Callable[[], ObjectStore]


@pytest.fixture
def reopen(store_url: str) -> Reopen:
    """Returns a function that opens the same store again, as another replica would."""
    return lambda: open_store(store_url)
