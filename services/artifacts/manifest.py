"""The manifest: what an artifact is, what it was made from and where its bytes lie.

A manifest is written once, after the bytes, and is the only thing that makes them visible. It holds plain values and
no behaviour of the store; JSON in, JSON out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import services.artifacts.errors  # noqa: F401
from services.artifacts.derivation import canonical_json
from services.chassis.errors import SensorForgeError

KINDS: Final = ("raw", "clean", "processed", "merged", "seeds", "models", "augmented", "reports", "profiles")

_MACHINE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Column:
    """One column of a table. `type` is the Arrow type in words; `unit` is empty when unknown or none."""

    name: str
    type: str
    unit: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtifactFile:
    """One file of an artifact. `key` is where its bytes lie in the store; `sha256` is lower-case hex."""

    name: str
    key: str
    sha256: str
    size_bytes: int
    media_type: str
    rows: int = 0
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """An artifact. `parents` maps roles to artifact names; `created` is RFC 3339 in UTC; `producer` is the build."""

    machine: str
    kind: str
    hash: str
    operation: str
    revision: int
    parents: Mapping[str, str]
    params: Mapping[str, Any]
    seed: int
    producer: str
    files: tuple[ArtifactFile, ...]
    created: str

    @property
    def name(self) -> str:
        """machines/{machine}/{kind}/{hash}."""
        return artifact_name(self.machine, self.kind, self.hash)

    def file(self, name: str = "") -> ArtifactFile:
        """Returns the file of that name, or the first one for "". Raises SensorForgeError("ARTIFACT_FILE_MISSING")."""
        for file in self.files:
            if name in ("", file.name):
                return file
        have = ", ".join(file.name for file in self.files) or "none"
        raise SensorForgeError("ARTIFACT_FILE_MISSING", f"{self.name} has no file {name!r}; its files: {have}.")

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {
            "schema_version": 1,
            "machine": self.machine,
            "kind": self.kind,
            "hash": self.hash,
            "operation": self.operation,
            "revision": self.revision,
            "parents": dict(self.parents),
            "params": dict(self.params),
            "seed": self.seed,
            "producer": self.producer,
            "files": [_file_to_json(file) for file in self.files],
            "created": self.created,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Manifest:
        """Returns the manifest that `to_json` wrote. Raises SensorForgeError("ARTIFACT_CORRUPT") on anything else."""
        try:
            return cls(
                machine=document["machine"],
                kind=document["kind"],
                hash=document["hash"],
                operation=document["operation"],
                revision=document["revision"],
                parents=dict(document["parents"]),
                params=dict(document["params"]),
                seed=document["seed"],
                producer=document["producer"],
                files=tuple(_file_from_json(file) for file in document["files"]),
                created=document["created"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SensorForgeError("ARTIFACT_CORRUPT", f"This is not a manifest: {error!r} is wrong in it.") from error

    def to_bytes(self) -> bytes:
        """Returns the canonical JSON."""
        return canonical_json(self.to_json())

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Returns the manifest in JSON bytes. Raises SensorForgeError("ARTIFACT_CORRUPT")."""
        try:
            document = json.loads(data)
        except ValueError as error:
            raise SensorForgeError("ARTIFACT_CORRUPT", f"A manifest is not JSON: {error}.") from error
        return cls.from_json(document)


def artifact_name(machine: str, kind: str, digest: str) -> str:
    """Returns machines/{machine}/{kind}/{hash}. Raises SensorForgeError("ARTIFACT_NAME_INVALID")."""
    name = f"machines/{machine}/{kind}/{digest}"
    parse_name(name)
    return name


def parse_name(name: str) -> tuple[str, str, str]:
    """Returns (machine, kind, hash) of an artifact name. Raises SensorForgeError("ARTIFACT_NAME_INVALID")."""
    match name.split("/"):
        case ["machines", machine, kind, digest] if (
            _MACHINE.fullmatch(machine) and kind in KINDS and _HASH.fullmatch(digest)
        ):
            return machine, kind, digest
    raise SensorForgeError("ARTIFACT_NAME_INVALID", f"{name!r} is not the name of an artifact.")


def check_machine(machine: str) -> str:
    """Returns the machine id. Raises SensorForgeError("INVALID_REQUEST") unless it is one."""
    if not _MACHINE.fullmatch(machine):
        raise SensorForgeError(
            "INVALID_REQUEST",
            f"{machine!r} is not a machine id: lower-case letters, digits, '-' and '_', at most 63, no sign in front.",
        )
    return machine


def check_kind(kind: str) -> str:
    """Returns the kind. Raises SensorForgeError("INVALID_REQUEST") unless artifacts have it."""
    if kind not in KINDS:
        raise SensorForgeError("INVALID_REQUEST", f"{kind!r} is not a kind of artifact; kinds: {', '.join(KINDS)}.")
    return kind


def _file_to_json(file: ArtifactFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "key": file.key,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "media_type": file.media_type,
        "rows": file.rows,
        "columns": [
            {"name": column.name, "type": column.type, "unit": column.unit, "metadata": dict(column.metadata)}
            for column in file.columns
        ],
    }


def _file_from_json(document: Mapping[str, Any]) -> ArtifactFile:
    return ArtifactFile(
        name=document["name"],
        key=document["key"],
        sha256=document["sha256"],
        size_bytes=document["size_bytes"],
        media_type=document["media_type"],
        rows=document["rows"],
        columns=tuple(
            Column(column["name"], column["type"], column["unit"], dict(column["metadata"]))
            for column in document["columns"]
        ),
    )
