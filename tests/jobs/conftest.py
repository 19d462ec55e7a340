"""A store, and replicas of the job runner over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.artifacts.objects import ObjectStore
from services.artifacts.opening import open_store
from tests.jobs.replica import Replica


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def replicas(store: ObjectStore) -> Iterator[Callable[..., Replica]]:
    """Makes replicas over one store and stops them afterwards."""
    made: list[Replica] = []

    def make(**options: object) -> Replica:
        replica = Replica(store, **options).start()  # type: ignore[arg-type]
        made.append(replica)
        return replica

    yield make
    for replica in made:
        replica.dispatcher.grace_s = 0.0
        replica.dispatcher.stop()
