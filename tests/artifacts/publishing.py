"""Makes artifacts for tests, as a job would: bytes first, manifest last."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping

from services.artifacts.catalog import Catalog
from services.artifacts.clock import utc_now
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import ArtifactFile, Manifest

Publish = Callable[..., Manifest]


def draft(
    catalog: Catalog,
    data: bytes = b"bytes",
    *,
    machine: str = "pump-1",
    kind: str = "clean",
    operation: str = "ingest.parse",
    parents: Mapping[str, str] | None = None,
    seed: int = 0,
    file_name: str = "table.bin",
) -> Manifest:
    """Stores bytes under an attempt's key and returns the manifest that would make them visible."""
    derivation = Derivation(machine, operation, 1, parents or {}, {"rows": 3}, seed)
    digest = derivation.digest()
    key = f"{kind}/{machine}/{digest}/1-{uuid.uuid4().hex[:8]}/{file_name}"
    with catalog.store.writer(key) as sink:
        sink.write(data)
    return Manifest(
        machine=machine,
        kind=kind,
        hash=digest,
        operation=operation,
        revision=1,
        parents=derivation.inputs,
        params=derivation.params,
        seed=seed,
        producer="test",
        files=(ArtifactFile(file_name, key, hashlib.sha256(data).hexdigest(), len(data), "application/octet-stream"),),
        created=utc_now(),
    )


def publisher(catalog: Catalog) -> Publish:
    """Returns a function that drafts an artifact and publishes it; its arguments are those of `draft`."""

    def publish(data: bytes = b"bytes", **about: object) -> Manifest:
        return catalog.publish(draft(catalog, data, **about))  # type: ignore[arg-type]

    return publish
