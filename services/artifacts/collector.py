"""The collector: removes bytes that nothing refers to any more, slowly and only when nobody can want them.

Bytes stay while a live manifest names them, a job that has not ended or not published may have written or may read
them, a default model rests on them, or their upload goes on. Everything else that is older than some days is first
condemned, in a document of its own; a collection at least a day later looks again, and removes what is still unwanted.
Manifests, journals and job logs are never touched, so numbers are never given twice.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from services.artifacts.catalog import Catalog, default_model_journal
from services.artifacts.clock import format_utc, parse_utc
from services.artifacts.manifest import KINDS, Manifest
from services.artifacts.objects import ObjectMissing, ObjectStore, StoredObject, create_or_get

OLDER_THAN = timedelta(days=7)
WAIT = timedelta(hours=24)

_FOLDERS = (*KINDS, "attempts", "uploads", "probe")
_CONDEMNED = "condemned/"
_KEYS_A_DOCUMENT = 10_000
_ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Collection:
    """What one collection did: keys removed (and their bytes in all), keys condemned now, objects that stay."""

    removed: tuple[str, ...]
    removed_bytes: int
    condemned: tuple[str, ...]
    kept: int


@dataclass(frozen=True)
class _Roots:
    """What must stay: single keys, everything under a job's digest, and everything of an upload."""

    keys: frozenset[str]
    digests: frozenset[str]
    uploads: frozenset[str]

    def hold(self, key: str) -> bool:
        parts = key.split("/")
        match parts:
            case ["uploads", machine, upload, "parts", _]:
                return f"{machine}/{upload}" in self.uploads
            case ["uploads", *_]:
                return True  # the small documents say what a request_id became
            case _:
                return key in self.keys or not self.digests.isdisjoint(parts)


def collect(
    catalog: Catalog,
    *,
    older_than: timedelta = OLDER_THAN,
    wait: timedelta = WAIT,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Collection:
    """Removes what was condemned at least `wait` ago and is still unwanted, and condemns what is unwanted now.

    `dry_run` says what it would do. Raises StoreUnavailable; an interrupted collection has removed only what a whole
    one would have.
    """
    store = catalog.store
    moment = now or datetime.now(UTC)
    documents = {key: json.loads(store.get(key)) for key in list(store.list(_CONDEMNED))}
    ripe = {key for key, document in documents.items() if parse_utc(document["time"]) <= moment - wait}
    waiting = {key for name in documents.keys() - ripe for key in documents[name]["keys"]}
    due = {key for name in ripe for key in documents[name]["keys"]}

    roots = _find_roots(catalog, moment)
    unwanted: dict[str, StoredObject] = {}
    kept = 0
    for item in _bytes(store):
        if item.modified > (moment - older_than).timestamp() or roots.hold(item.key):
            kept += 1
        else:
            unwanted[item.key] = item

    removed = sorted(due & unwanted.keys())
    condemned = sorted(unwanted.keys() - due - waiting)
    if not dry_run:
        store.delete(removed)
        for start in range(0, len(condemned), _KEYS_A_DOCUMENT):
            document = {"time": format_utc(moment), "keys": condemned[start : start + _KEYS_A_DOCUMENT]}
            create_or_get(store, f"{_CONDEMNED}{uuid.uuid4().hex}.json", json.dumps(document).encode())
        store.delete(sorted(ripe))
    return Collection(
        removed=tuple(removed),
        removed_bytes=sum(unwanted[key].size for key in removed),
        condemned=tuple(condemned),
        kept=kept,
    )


def _bytes(store: ObjectStore) -> Iterator[StoredObject]:
    for folder in _FOLDERS:
        yield from store.scan(f"{folder}/")


def _find_roots(catalog: Catalog, now: datetime) -> _Roots:
    keys: set[str] = set()
    machines: set[str] = set()
    for manifest in catalog.each():
        keys.update(_keys(manifest))
        machines.add(manifest.machine)
    for machine in machines:
        _, default = default_model_journal(catalog.store, machine).latest()
        if default and default["model"]:
            for manifest in catalog.history(default["model"]):
                keys.update(_keys(manifest))
    digests, inputs = _jobs(catalog.store)
    for name in inputs:
        for manifest in catalog.history(name)[:1]:
            keys.update(_keys(manifest))
    return _Roots(frozenset(keys), frozenset(digests), frozenset(_uploads(catalog.store, now)))


def _keys(manifest: Manifest) -> list[str]:
    return [file.key for file in manifest.files]


def _jobs(store: ObjectStore) -> tuple[set[str], set[str]]:
    """Returns the digests of runs that have not ended or not published, and the inputs that they read.

    Reads the logs as PROTOCOL has them: jobs/{digest}/{run}/{n:08}.json, `type` in each record, `derivation` in the
    first, published/{digest}/{run} once the outputs are manifests. A log that cannot be read keeps its job.
    """
    digests: set[str] = set()
    inputs: set[str] = set()
    for (job, run), slots in groupby(store.list("jobs/"), key=lambda key: tuple(key.split("/")[1:3])):
        log = list(slots)
        last = json.loads(store.get(log[-1]))
        if last.get("type") in _ENDED and (not last.get("outputs") or _exists(store, f"published/{job}/{run}")):
            continue
        digests.add(job)
        first = json.loads(store.get(log[0]))
        inputs.update(first.get("derivation", {}).get("inputs", {}).values())
    return digests, inputs


def _uploads(store: ObjectStore, now: datetime) -> set[str]:
    """Returns "machine/upload" of the uploads that may still go on."""
    going: set[str] = set()
    for key in store.list("uploads/"):
        machine, upload, *rest = key.split("/")[1:]
        if rest != ["upload.json"] or _exists(store, f"uploads/{machine}/{upload}/finished.json"):
            continue
        if parse_utc(json.loads(store.get(key))["expires"]) > now:
            going.add(f"{machine}/{upload}")
    return going


def _exists(store: ObjectStore, key: str) -> bool:
    try:
        store.size(key)
    except ObjectMissing:
        return False
    return True
