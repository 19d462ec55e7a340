"""What an object store promises here, and the one commit that everything stands on: create if absent.

A store maps keys to immutable bytes. `create` is atomic among all processes and machines; `writer` and `put_file` make
bulk bytes visible all at once or not at all. Nothing here compares or swaps, renames, appends or locks.
Keys are relative paths of plain ASCII segments, so that no key can leave a directory, hide in it or mean two objects.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from services.chassis.errors import SensorForgeError

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+@-]{0,199}")
_LONGEST_KEY = 900  # S3 allows 1,024 bytes, and the bucket prefix has to fit in as well.


class ObjectExists(Exception):
    """Somebody created this key before; possibly the caller, whose landed write was answered by an error."""

    def __init__(self, key: str) -> None:
        super().__init__(f"object {key} exists")
        self.key = key


class ObjectMissing(Exception):
    """There is no object under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no object {key}")
        self.key = key


class StoreUnavailable(SensorForgeError):
    """The store did not answer, or answered that it cannot: whether a write landed is unknown."""

    def __init__(self, message: str) -> None:
        super().__init__("STORE_UNAVAILABLE", message)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.message,))


class StoreDenied(StoreUnavailable):
    """The store refused the credentials or the permission; trying again does not help."""


@dataclass(frozen=True)
class StoredObject:
    """One object as a listing shows it. `modified` is seconds since 1970 on the store's clock."""

    key: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """A store of immutable objects. All methods are thread-safe and raise StoreUnavailable when the store fails."""

    url: str

    def create(self, key: str, data: bytes) -> None:
        """Makes a small object (up to 16 MiB) durable if the key is free. Raises ObjectExists if it is not."""

    def get(self, key: str) -> bytes:
        """Returns all bytes. Raises ObjectMissing."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Returns at most `length` bytes from `start`; fewer, or none, at the end. Raises ObjectMissing."""

    def size(self, key: str) -> int:
        """Returns the size in bytes. Raises ObjectMissing."""

    def chunks(self, key: str, start: int = 0, chunk: int = 1 << 20) -> Iterator[bytes]:
        """Yields the bytes from `start` in pieces of `chunk` bytes, the last one shorter. Raises ObjectMissing."""

    def writer(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Opens a stream for bulk bytes. The object appears, durable and whole, when the block ends without an error;
        an error leaves nothing. Keys are attempt-unique by convention; writing one again replaces it whole."""

    def put_file(self, key: str, path: Path) -> None:
        """Stores a file's bytes as `writer` does."""

    def list(self, prefix: str, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yields the keys that begin with `prefix` and sort after `start_after`, in ASCII order, at most `limit`."""

    def scan(self, prefix: str) -> Iterator[StoredObject]:
        """Yields every object whose key begins with `prefix`, in no particular order."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; missing ones are fine."""

    def local_path(self, key: str) -> Path | None:
        """Returns the object's file, to be read only, when the store is a directory; None when it is not.
        Raises ObjectMissing."""


def check_key(key: str) -> str:
    """Returns the key. Raises ValueError unless it is a relative path of plain segments, at most 900 characters."""
    if len(key) > _LONGEST_KEY:
        raise ValueError(f"object key of {len(key)} characters: {key[:80]}...")
    if not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(f"not an object key: {key!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Returns the prefix. Raises ValueError unless some key could begin with it."""
    folder, _, start = prefix.rpartition("/")
    if folder:
        check_key(folder)
    elif prefix.startswith("/"):
        raise ValueError(f"not a key prefix: {prefix!r}")
    if start:
        check_key(start)
    return prefix


def key_segment(text: str) -> str:
    """Returns `text` itself where it can be a segment of a key, else a digest of it: the same for the same text."""
    if _SEGMENT.fullmatch(text) and not text.startswith("_sha256."):
        return text
    return "_sha256." + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def create_or_get(store: ObjectStore, key: str, data: bytes, patience_s: float = 30.0) -> bytes:
    """Commits `data` under a key, or finds who was first. Returns the bytes that the key holds from now on.

    The caller won when they are its own (which therefore carry a nonce where that matters). A timeout leaves the
    outcome open, so the same bytes are offered again until the store says one or the other; after `patience_s` seconds
    of that it raises StoreUnavailable, and the outcome stays open.
    """
    deadline = time.monotonic() + patience_s
    pause = 0.1
    while True:
        try:
            store.create(key, data)
            return data
        except ObjectExists:
            return store.get(key)
        except StoreDenied:
            raise
        except StoreUnavailable:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 5.0)
