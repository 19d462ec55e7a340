"""Journals: the few things that change, as numbered create-only documents.

A journal is `journals/{key}/{n:08}.json` with n from 1. To change something is to create the next number; who finds it
taken reads again and decides again. History and rollback come for free; nothing is ever rewritten.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from services.artifacts.objects import ObjectStore, check_key, create_or_get


class JournalConflict(Exception):
    """Somebody was first: the journal stands at `version`."""

    def __init__(self, key: str, version: int) -> None:
        super().__init__(f"journal {key} stands at version {version}")
        self.key = key
        self.version = version


class Journal:
    """One journal. Its version is the number of its entries; 0 means empty."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key
        self._prefix = f"journals/{check_key(key)}/"

    def version(self) -> int:
        """Returns the number of entries."""
        last = 0
        for key in self._store.list(self._prefix):
            last = max(last, int(key.removeprefix(self._prefix).removesuffix(".json")))
        return last

    def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """Returns the entries in order, from number `after` + 1."""
        return [self._read(number) for number in range(after + 1, self.version() + 1)]

    def latest(self) -> tuple[int, dict[str, Any] | None]:
        """Returns the version and the newest entry; (0, None) when the journal is empty."""
        version = self.version()
        return (version, self._read(version)) if version else (0, None)

    def append(self, expected_version: int, entry: Mapping[str, Any]) -> int:
        """Makes `entry` the next one and returns the new version.

        Raises JournalConflict unless the journal stands at `expected_version` when the entry lands, and
        StoreUnavailable when the store does not say whether it landed.
        """
        version = self.version()
        if version != expected_version:
            raise JournalConflict(self._key, version)
        document = {"version": version + 1, "nonce": uuid.uuid4().hex, "entry": dict(entry)}
        data = json.dumps(document, sort_keys=True, allow_nan=False, ensure_ascii=False).encode()
        if create_or_get(self._store, self._document(version + 1), data) != data:
            raise JournalConflict(self._key, self.version())
        return version + 1

    def update(self, decide: Callable[[list[dict[str, Any]]], Mapping[str, Any] | None]) -> int:
        """Appends what `decide` makes of all entries, deciding again after every lost race; returns the version.

        `decide` returns None when nothing is left to do, and raises what it wants to refuse.
        """
        while True:
            entries = self.entries()
            entry = decide(entries)
            if entry is None:
                return len(entries)
            try:
                return self.append(len(entries), entry)
            except JournalConflict:
                continue

    def _document(self, number: int) -> str:
        return f"{self._prefix}{number:08d}.json"

    def _read(self, number: int) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads(self._store.get(self._document(number)))["entry"]
        return entry
