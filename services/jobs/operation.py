"""What a stage writes to have its work done as a job: an `Operation`, which sees a `JobContext` and nothing else.

An operation is a pure function of the context's inputs, params and seed. It may be stopped at any moment and run again
elsewhere from its last checkpoint, so it keeps no state outside the context, and every attempt writes all its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from services.artifacts.manifest import Manifest
from services.artifacts.parquet import TableWriter
from services.jobs.records import CancelMode


class JobCancelled(Exception):
    """The job is to end now, without (further) outputs. Raised inside an operation; let it pass."""


class JobReleased(Exception):
    """This worker is to stop and the job goes on elsewhere. Raised inside an operation; let it pass."""


class Output(Protocol):
    """One artifact in the making. File names are unique within it; nothing is visible before the job succeeds."""

    def bytes(self, name: str, data: bytes, media_type: str) -> None:
        """Adds a file from memory."""

    def json(self, name: str, value: Any) -> None:
        """Adds a JSON file: sorted keys, NaN and infinities as null."""

    def file(self, name: str, path: Path, media_type: str) -> None:
        """Adds a copy of a local file."""

    def table(
        self,
        name: str,
        df: pl.DataFrame,
        *,
        units: Mapping[str, str] | None = None,
        column_metadata: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Adds a Parquet file."""

    def open_table(
        self,
        name: str,
        schema: pa.Schema,
        *,
        units: Mapping[str, str] | None = None,
        column_metadata: Mapping[str, Mapping[str, str]] | None = None,
    ) -> AbstractContextManager[TableWriter]:
        """Opens a Parquet file to be written in batches; it is added when the block ends without an error."""


class JobContext(Protocol):
    """What an operation may know and do. All methods are cheap enough to be called in a training loop."""

    machine: str
    operation: str
    revision: int
    seed: int
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    directory: Path
    """Private scratch space, removed afterwards."""

    def manifest(self, role: str) -> Manifest:
        """Returns the manifest of an input. Raises KeyError for a role that the job does not have."""

    def file(self, role: str, name: str = "") -> Path:
        """Returns a local path of an input's file, to be read only."""

    def json(self, role: str, name: str = "") -> Any:
        """Returns an input's JSON file."""

    def table(self, role: str, name: str = "") -> pl.DataFrame:
        """Returns an input's Parquet file."""

    def progress(self, phase: str, done: int = 0, total: int = 0, message: str = "", eta_seconds: float = 0.0) -> None:
        """Reports how far a phase has come (total 0: unknown). Throttled inside; a new phase is never dropped."""

    def epoch(self, event: Mapping[str, Any]) -> None:
        """Reports a training epoch; keys are the fields of common.v1.Epoch. Never dropped."""

    def warning(self, code: str, message: str) -> None:
        """Reports something a person should know. Never dropped."""

    def cancel_requested(self) -> CancelMode | None:
        """Returns how the job is to end early: "keep" means write the best result so far as outputs and return."""

    def stop_if_cancelled(self) -> None:
        """Raises JobCancelled to discard, or to keep when there is neither an output nor a checkpoint yet."""

    def checkpoint_due(self) -> bool:
        """Returns whether now is a good time for a checkpoint: the last one is old, or this worker has to stop."""

    def checkpoint(self, data: bytes) -> None:
        """Makes `data` the place where another worker would go on. At most one a second is taken, the rest skipped."""

    def last_checkpoint(self) -> bytes | None:
        """Returns the newest checkpoint of any attempt, or None at the very beginning."""

    def output(self, role: str, kind: str) -> Output:
        """Returns the output of that role, a new one the first time. One output a kind.

        Raises ValueError for a second role of the same kind, or an unknown kind.
        """


@dataclass(frozen=True)
class Operation:
    """A named piece of slow work.

    `revision` is raised only when the meaning of the output changes. `memory_mb` bounds the resident memory of the
    worker and its children. A main loop that gives no sign of life for `phase_limit_s` seconds counts as stalled.
    """

    name: str
    revision: int
    run: Callable[[JobContext], None]
    memory_mb: int = 4096
    phase_limit_s: float = 900.0
