"""Publishing: the terminal record makes the manifests, whoever reads it first.

A winner that dies between its terminal record and the manifests leaves the work to the next reader. A marker says
that it was done, so that an artifact deleted later is not brought back by somebody who reads the old record.
"""

from __future__ import annotations

from contextlib import suppress

from services.artifacts.catalog import Catalog
from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore
from services.jobs.attempt import Outputs
from services.jobs.keys import open_key, published_key
from services.jobs.records import Cancelled, Succeeded, Terminal


def outputs_of(terminal: Terminal | None) -> Outputs:
    """Returns the outputs that a run committed; none while it runs or when it failed."""
    return terminal.outputs if isinstance(terminal, Succeeded | Cancelled) else ()


def publish(store: ObjectStore, catalog: Catalog, job: str, run: int, terminal: Terminal) -> None:
    """Creates the manifests that the terminal record names, once, and then drops the hint that the run is open.

    Idempotent. Raises StoreUnavailable; a later reader then does it.
    """
    outputs = outputs_of(terminal)
    if outputs and not is_published(store, job, run):
        for output in outputs:
            catalog.publish(output.manifest)
        mark_published(store, job, run)
    store.delete([open_key(job, run)])


def is_published(store: ObjectStore, job: str, run: int) -> bool:
    """Returns whether the run's outputs were published at some time."""
    try:
        store.size(published_key(job, run))
    except ObjectMissing:
        return False
    return True


def mark_published(store: ObjectStore, job: str, run: int) -> None:
    """Records that nobody has to publish this run again."""
    with suppress(ObjectExists):
        store.create(published_key(job, run), b"")
