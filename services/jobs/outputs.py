"""Outputs in the making: bytes stream to keys that only this attempt writes, hashed on the way; manifests come last.

Nothing here is visible to anybody: the manifests that `sealed` returns go into the job's terminal record, and only
publishing makes artifacts of them. A second attempt writes its own bytes under its own keys and adopts none.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from services.artifacts.clock import utc_now
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import KINDS, ArtifactFile, Column, Manifest
from services.artifacts.objects import ObjectStore
from services.artifacts.parquet import TableWriter, describe, write_table
from services.jobs.attempt import Outputs
from services.jobs.keys import output_key
from services.jobs.patience import patiently
from services.jobs.records import CancelMode, OutputManifest, finite

PARQUET = "application/vnd.apache.parquet"
_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")


@dataclass
class StoredOutput:
    """One artifact in the making; see operation.Output."""

    role: str
    kind: str
    _writer: OutputWriter
    files: dict[str, ArtifactFile] = field(default_factory=dict)

    def bytes(self, name: str, data: bytes, media_type: str) -> None:
        """Adds a file from memory."""
        with self._writer.scratch(name) as path:
            path.write_bytes(data)
            self.file(name, path, media_type)

    def json(self, name: str, value: Any) -> None:
        """Adds a JSON file: sorted keys, NaN and infinities as null."""
        text = json.dumps(finite(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        self.bytes(name, (text + "\n").encode(), "application/json")

    def file(self, name: str, path: Path, media_type: str) -> None:
        """Adds a copy of a local file."""
        self._add(name, path, media_type)

    def table(
        self,
        name: str,
        df: pl.DataFrame,
        *,
        units: Mapping[str, str] | None = None,
        column_metadata: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Adds a Parquet file."""
        with self._writer.scratch(name) as path:
            write_table(path, df, units=units or {}, column_metadata=column_metadata or {})
            self._add_table(name, path)

    @contextmanager
    def open_table(
        self,
        name: str,
        schema: pa.Schema,
        *,
        units: Mapping[str, str] | None = None,
        column_metadata: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Iterator[TableWriter]:
        """Opens a Parquet file to be written in batches; it is added when the block ends without an error."""
        with self._writer.scratch(name) as path:
            with TableWriter(path, schema, units=units or {}, column_metadata=column_metadata or {}) as table:
                yield table
            self._add_table(name, path)

    def _add_table(self, name: str, path: Path) -> None:
        rows, columns = describe(path)
        self._add(name, path, PARQUET, rows, columns)

    def _add(self, name: str, path: Path, media_type: str, rows: int = 0, columns: tuple[Column, ...] = ()) -> None:
        _check_file_name(name)
        if name in self.files:
            raise ValueError(f"output {self.role!r} has a file {name!r} already")
        key, sha256, size = self._writer.store_file(self.kind, name, path)
        self.files[name] = ArtifactFile(name, key, sha256, size, media_type, rows, columns)


class OutputWriter:
    """All outputs of one attempt (`claim` of `run`)."""

    def __init__(
        self, store: ObjectStore, derivation: Derivation, run: int, claim: int, directory: Path, producer: str
    ) -> None:
        self._store = store
        self._derivation = derivation
        self._run = run
        self._claim = claim
        self._directory = directory
        self._producer = producer
        self._outputs: dict[str, StoredOutput] = {}

    @property
    def empty(self) -> bool:
        """Returns whether no file was written yet."""
        return not any(output.files for output in self._outputs.values())

    def output(self, role: str, kind: str) -> StoredOutput:
        """Returns the output of that role, a new one the first time. Raises ValueError, see operation.JobContext."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of artifact: {', '.join(KINDS)}")
        for other in self._outputs.values():
            if (other.kind == kind) != (other.role == role):
                raise ValueError(f"output {role!r} ({kind}) contradicts output {other.role!r} ({other.kind})")
        return self._outputs.setdefault(role, StoredOutput(role, kind, self))

    def sealed(self, mode: CancelMode | None) -> Outputs:
        """Returns the manifests. What a cancel kept is not what the derivation promises, so it gets a name of its own:
        that of the derivation with `kept_from_run` among its parameters."""
        derivation = self._derivation
        if mode == "keep":
            derivation = replace(derivation, params={**derivation.params, "kept_from_run": self._run})
        created = utc_now()
        return tuple(
            OutputManifest(
                output.role,
                Manifest(
                    machine=derivation.machine,
                    kind=output.kind,
                    hash=derivation.digest(),
                    operation=derivation.operation,
                    revision=derivation.revision,
                    parents=dict(derivation.inputs),
                    params=dict(derivation.params),
                    seed=derivation.seed,
                    producer=self._producer,
                    files=tuple(output.files.values()),
                    created=created,
                ),
            )
            for output in self._outputs.values()
            if output.files
        )

    def store_file(self, kind: str, name: str, path: Path) -> tuple[str, str, int]:
        """Stores a local file under this attempt's key for it; returns (key, sha256, size in bytes)."""
        derivation = self._derivation
        key = output_key(kind, derivation.machine, derivation.digest(), self._run, self._claim, name)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        patiently(lambda: self._store.put_file(key, path))
        return key, sha256, path.stat().st_size

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """Lends a path in the private directory, removed afterwards."""
        path = self._directory / f".output-{_check_file_name(name)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _check_file_name(name: str) -> str:
    """Returns the name. Raises ValueError unless it can be a file of an artifact."""
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a file name for an artifact")
    return name
