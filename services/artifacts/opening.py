"""Opens the store that a URL names, and proves that it keeps the one promise everything rests on.

Several object stores have had conditional creates that were not atomic. A service therefore probes its store before it
serves, and refuses to run on one that lets two creates of the same key succeed.
"""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import services.artifacts.errors  # noqa: F401
from services.artifacts.local import LocalStore
from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore
from services.chassis.errors import SensorForgeError

_RACERS = 8
_MOST_RACES = 5
_RACING_SECONDS = 1.0  # one race always; more of them on a store that decides fast


def open_store(url: str) -> ObjectStore:
    """Returns the store at "/dir", "file:///dir" or "s3://bucket/prefix"; a directory or bucket is made if missing.

    S3 endpoint and credentials come from SENSORFORGE_S3_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
    AWS_REGION. Raises SensorForgeError("STORE_URL_INVALID") and StoreUnavailable.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        from services.artifacts.s3 import S3ObjectStore, S3Settings, ensure_bucket

        settings = S3Settings.from_environment(parts.netloc, parts.path.strip("/"))
        ensure_bucket(settings)
        return S3ObjectStore(settings)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalStore(Path(unquote(parts.path)))
    if url and "://" not in url:
        return LocalStore(Path(url).expanduser())
    raise SensorForgeError("STORE_URL_INVALID", f"{url!r} names no store.")


def probe(store: ObjectStore) -> None:
    """Proves that creates of one key have exactly one winner, whose bytes are read and listed at once.

    Raises SensorForgeError("STORE_NOT_ATOMIC") naming what went wrong, and StoreUnavailable.
    """
    folder = f"probe/{uuid.uuid4().hex}/"
    keys = [f"{folder}twice"]
    deadline = time.monotonic() + _RACING_SECONDS
    try:
        _create_twice(store, keys[0])
        while len(keys) == 1 or (len(keys) <= _MOST_RACES and time.monotonic() < deadline):
            keys.append(f"{folder}race-{len(keys)}")
            _create_at_once(store, keys[-1])
        listed = list(store.list(folder))
        if listed != sorted(keys):
            raise _not_atomic(store, f"a listing right after {len(keys)} creates showed {len(listed)} keys")
    finally:
        store.delete(keys)


def _create_twice(store: ObjectStore, key: str) -> None:
    store.create(key, b"first")
    try:
        store.create(key, b"second")
    except ObjectExists:
        pass
    else:
        raise _not_atomic(store, "a second create of one key succeeded")
    _expect(store, key, b"first")


def _create_at_once(store: ObjectStore, key: str) -> None:
    start = threading.Barrier(_RACERS)

    def race(number: int) -> bytes | None:
        start.wait()
        data = f"racer {number}".encode()
        try:
            store.create(key, data)
        except ObjectExists:
            return None
        return data

    with ThreadPoolExecutor(_RACERS) as pool:
        winners = [data for data in pool.map(race, range(_RACERS)) if data is not None]
    if len(winners) != 1:
        raise _not_atomic(store, f"{len(winners)} of {_RACERS} racing creates of one key succeeded")
    _expect(store, key, winners[0])


def _expect(store: ObjectStore, key: str, data: bytes) -> None:
    try:
        found = store.get(key)
    except ObjectMissing:
        raise _not_atomic(store, "an object could not be read right after it was created") from None
    if found != data:
        raise _not_atomic(store, f"an object read {found!r} after {data!r} had won its key")


def _not_atomic(store: ObjectStore, what: str) -> SensorForgeError:
    return SensorForgeError("STORE_NOT_ATOMIC", f"The store {store.url} cannot be used: {what}.")
