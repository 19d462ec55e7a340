"""The context that operations see, over whatever carries their events and checkpoints.

`Carrier` is the seam: in a worker it is the attempt with its heartbeat, in tests and notebooks it is a list. Nothing
here knows about logs or processes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest
from services.jobs.operation import JobCancelled
from services.jobs.outputs import OutputWriter, StoredOutput
from services.jobs.patience import patiently
from services.jobs.records import CancelMode, Event, finite

_EPOCH_FIELDS = frozenset(
    {
        "epoch",
        "epochs",
        "train_loss",
        "validation_loss",
        "best_validation_loss",
        "learning_rate",
        "seconds",
        "eta_seconds",
        "series",
        "patience_left",
        "quality_improvement",
    }
)


class Carrier(Protocol):
    """Where a running operation's signs of life go. `alive` and the rest may raise JobReleased."""

    def alive(self) -> None:
        """The operation did something."""

    def emit(self, event: Event) -> None:
        """The operation reported something."""

    def cancel_mode(self) -> CancelMode | None:
        """Returns how the job is to end early, if it is."""

    def checkpoint_due(self) -> bool:
        """Returns whether now is a good time for a checkpoint."""

    def save(self, data: bytes) -> None:
        """Commits a checkpoint."""

    def load(self) -> bytes | None:
        """Returns the newest checkpoint."""

    def has_checkpoint(self) -> bool:
        """Returns whether there is one."""


class RunningJob:
    """The JobContext of one attempt; see operation.JobContext for what each method promises."""

    def __init__(
        self, derivation: Derivation, catalog: Catalog, outputs: OutputWriter, carrier: Carrier, directory: Path
    ) -> None:
        self.machine = derivation.machine
        self.operation = derivation.operation
        self.revision = derivation.revision
        self.seed = derivation.seed
        self.params: Mapping[str, Any] = derivation.params
        self.inputs: Mapping[str, str] = derivation.inputs
        self.directory = directory
        self._catalog = catalog
        self._outputs = outputs
        self._carrier = carrier

    def manifest(self, role: str) -> Manifest:
        """Returns the manifest of an input."""
        name = self._input(role)
        return patiently(lambda: self._catalog.get(name))

    def file(self, role: str, name: str = "") -> Path:
        """Returns a local path of an input's file, to be read only."""
        artifact = self._input(role)
        place = self.directory / "inputs" / role
        place.mkdir(parents=True, exist_ok=True)
        return patiently(lambda: self._catalog.fetch(artifact, name, place))

    def json(self, role: str, name: str = "") -> Any:
        """Returns an input's JSON file."""
        return json.loads(self.file(role, name).read_bytes())

    def table(self, role: str, name: str = "") -> pl.DataFrame:
        """Returns an input's Parquet file."""
        return pl.read_parquet(self.file(role, name))

    def progress(self, phase: str, done: int = 0, total: int = 0, message: str = "", eta_seconds: float = 0.0) -> None:
        """Reports how far a phase has come."""
        body = {"phase": phase, "done": int(done), "total": int(total), "message": message, "eta_seconds": eta_seconds}
        self._carrier.emit(Event("progress", finite(body)))

    def epoch(self, event: Mapping[str, Any]) -> None:
        """Reports a training epoch. Raises ValueError for a key that is no field of common.v1.Epoch."""
        unknown = sorted(set(event) - _EPOCH_FIELDS)
        if unknown:
            raise ValueError(f"not fields of an epoch: {unknown}")
        self._carrier.emit(Event("epoch", finite(event)))

    def warning(self, code: str, message: str) -> None:
        """Reports something a person should know."""
        self._carrier.emit(Event("warning", {"code": code, "message": message}))

    def cancel_requested(self) -> CancelMode | None:
        """Returns how the job is to end early, if it is."""
        self._carrier.alive()
        return self._carrier.cancel_mode()

    def stop_if_cancelled(self) -> None:
        """Raises JobCancelled to discard, or to keep when there is nothing yet."""
        mode = self.cancel_requested()
        if mode == "discard":
            raise JobCancelled("discarded on request")
        if mode == "keep" and self._outputs.empty and not self._carrier.has_checkpoint():
            raise JobCancelled("nothing to keep yet")

    def checkpoint_due(self) -> bool:
        """Returns whether now is a good time for a checkpoint."""
        return self._carrier.checkpoint_due()

    def checkpoint(self, data: bytes) -> None:
        """Makes `data` the place where another worker would go on."""
        self._carrier.save(data)

    def last_checkpoint(self) -> bytes | None:
        """Returns the newest checkpoint of any attempt."""
        return self._carrier.load()

    def output(self, role: str, kind: str) -> StoredOutput:
        """Returns the output of that role."""
        self._carrier.alive()
        return self._outputs.output(role, kind)

    def _input(self, role: str) -> str:
        try:
            return self.inputs[role]
        except KeyError:
            raise KeyError(f"{self.operation} has no input {role!r}; it has {sorted(self.inputs)}") from None
