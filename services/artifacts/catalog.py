"""The catalogue of artifacts: publish, find, read, trace and delete them.

An artifact exists when its manifest does, and its manifest is created after its bytes; the first manifest of a name
wins, whoever else derives the same. Deletion and creation anew are entries of the artifact's state journal, so that no
key is ever written twice. Listings and child links are zero-byte hints that are written before the manifest and
believed only where a manifest agrees: a crash can leave a hint too many, never an artifact that no list shows.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from services.artifacts.clock import inverse_time
from services.artifacts.journal import Journal, JournalConflict
from services.artifacts.manifest import (
    ArtifactFile,
    Manifest,
    artifact_name,
    check_kind,
    check_machine,
    parse_name,
)
from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore, create_or_get
from services.chassis.errors import SensorForgeError

Guard = Callable[[str], str | None]
"""Says why an artifact must not be deleted now, in a sentence, or None."""

T = TypeVar("T")
Manifests = list[Manifest]  # outside the class, whose own `list` would be meant inside it
Names = list[str]
Found = list[tuple[Manifest, bool]]

_HINT = re.compile(r"\d{18}-[0-9a-f]{64}")
_LARGEST_PAGE = 200
_DEFAULT_PAGE = 50


class Catalog:
    """All artifacts of a store. Thread-safe; any number of catalogues may work on one store."""

    def __init__(self, store: ObjectStore, guards: Sequence[Guard] = ()) -> None:
        self.store = store
        self._guards = list(guards)

    def add_guard(self, guard: Guard) -> None:
        """Adds a reason why artifacts may have to stay."""
        self._guards.append(guard)

    # Finding

    def get(self, name: str) -> Manifest:
        """Returns the manifest. Raises SensorForgeError("ARTIFACT_NOT_FOUND") when it never was or was deleted."""
        _, alive, manifest = self._state(name)
        if manifest is None or not alive:
            raise SensorForgeError("ARTIFACT_NOT_FOUND", f"There is no artifact {name}.")
        return manifest

    def exists(self, name: str) -> bool:
        """Returns whether the artifact can be read now."""
        return self._state(name)[1]

    def was_published(self, name: str) -> bool:
        """Returns whether the artifact exists now or did before it was deleted."""
        return self._state(name)[2] is not None

    def list(
        self, machine: str, kind: str, page_size: int = 50, page_token: str = "", operation: str = ""
    ) -> tuple[Manifests, str]:
        """Returns a page of a machine's artifacts of a kind, newest first, and the token of the next page or "".

        `page_size` 0 means 50 and is at most 200. Raises SensorForgeError("INVALID_REQUEST").
        """
        folder = f"index/{check_machine(machine)}/{check_kind(kind)}/"
        if page_token and not _HINT.fullmatch(page_token):
            raise SensorForgeError("INVALID_REQUEST", f"{page_token!r} is not a page_token of this listing.")
        wanted = check_page_size(page_size)
        page: Manifests = []
        last = ""
        for key in self.store.list(folder, start_after=folder + page_token if page_token else ""):
            hint = key.removeprefix(folder)
            manifest = self._hinted(machine, kind, hint)
            if manifest is None or operation not in ("", manifest.operation):
                continue
            if len(page) == wanted:
                return page, last
            page.append(manifest)
            last = hint
        return page, ""

    def each(self, machine: str = "", kind: str = "") -> Iterator[Manifest]:
        """Yields every artifact that exists, of a machine and kind where given, straight from the manifests."""
        prefix = "manifests/" + (f"{check_machine(machine)}/" if machine else "")
        if kind and machine:
            prefix += f"{check_kind(kind)}/"
        for key in self.store.list(prefix):
            _, owner, its_kind, document = key.split("/")
            if kind in ("", its_kind):
                _, alive, manifest = self._state(artifact_name(owner, its_kind, document.removesuffix(".json")))
                if manifest is not None and alive:
                    yield manifest

    # Lineage

    def ancestors(self, name: str) -> Manifests:
        """Returns the artifact and everything it was made from, nearest first. Deleted ones are walked through but
        not returned. Raises SensorForgeError("ARTIFACT_NOT_FOUND")."""
        self.get(name)
        return [item for item, alive in self._closure(name, lambda item: [*item.parents.values()]) if alive]

    def descendants(self, name: str) -> Manifests:
        """Returns the artifact and everything made from it, nearest first, as `ancestors` does."""
        self.get(name)
        return [item for item, alive in self._closure(name, self._children) if alive]

    def history(self, name: str) -> Manifests:
        """Returns the artifact and what it was made from, nearest first, deleted ones included; [] if it never was."""
        return [item for item, _ in self._closure(name, lambda item: [*item.parents.values()])]

    # Changing

    def publish(self, manifest: Manifest) -> Manifest:
        """Makes an artifact visible whose bytes are stored; returns the manifest that holds from now on.

        That is the first one published under its name, whichever caller it came from; a deleted artifact is created
        again. Raises SensorForgeError("ARTIFACT_CORRUPT") when bytes that the manifest names are not there.
        """
        name = manifest.name
        while True:
            version, alive, existing = self._state(name)
            if existing is not None and alive:
                return existing
            self._check_bytes(manifest)
            self._hint(manifest)
            if existing is None:
                create_or_get(self.store, _manifest_key(name), manifest.to_bytes())
                continue  # read what holds now: ours, somebody else's, or deleted in between
            try:
                self._journal(name).append(version, {"state": "created", "manifest": manifest.to_json()})
            except JournalConflict:
                continue

    def delete(self, name: str) -> None:
        """Hides an artifact; its bytes go later, with the collector. One that is deleted already is fine.

        Raises SensorForgeError: "ARTIFACT_NOT_FOUND" when it never was, "ARTIFACT_IN_USE" when a default model
        rests on it or a guard says no.
        """
        while True:
            version, alive, manifest = self._state(name)
            if manifest is None:
                raise SensorForgeError("ARTIFACT_NOT_FOUND", f"There is no artifact {name}.")
            if not alive:
                return
            self._refuse_if_guarded(name)
            try:
                self._journal(name).append(version, {"state": "deleted"})
                break
            except JournalConflict:
                continue
        try:  # Somebody may have begun to depend on it between the question and the answer.
            self._refuse_if_guarded(name)
        except SensorForgeError:
            self.publish(manifest)
            raise

    def rebuild_hints(self) -> int:
        """Writes every listing and child hint anew from the manifests; returns how many artifacts were seen."""
        seen = 0
        for manifest in self.each():
            self._hint(manifest)
            seen += 1
        return seen

    # Reading

    def read(self, name: str, file: str = "") -> bytes:
        """Returns the bytes of one file. Raises SensorForgeError("ARTIFACT_CORRUPT") when their digest is wrong."""
        entry = self.get(name).file(file)
        data = self._stored(name, entry, self.store.get)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise _corrupt(name, entry)
        return data

    def read_json(self, name: str, file: str = "") -> Any:
        """Returns the value in a JSON file, with the errors of `read`."""
        return json.loads(self.read(name, file))

    def read_table(self, name: str, file: str = "", columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Returns a Parquet file, or some of its columns.

        Raises SensorForgeError("ARTIFACT_COLUMN_MISSING") for a column that the file does not have.
        """
        entry = self.get(name).file(file)
        if columns is not None and entry.columns:
            have = [column.name for column in entry.columns]
            missing = [column for column in columns if column not in have]
            if missing:
                raise SensorForgeError(
                    "ARTIFACT_COLUMN_MISSING", f"{name} {entry.name} has no column {missing[0]!r}; it has {have}."
                )
        path = self._stored(name, entry, self.store.local_path)
        source = path if path is not None else io.BytesIO(self.read(name, entry.name))
        return pl.read_parquet(source, columns=[*columns] if columns is not None else None)

    def fetch(self, name: str, file: str, directory: Path) -> Path:
        """Returns a local path of one file, to be read only: the stored file itself where the store is a directory,
        else a copy in `directory` whose digest was checked. Raises SensorForgeError("ARTIFACT_CORRUPT")."""
        entry = self.get(name).file(file)
        stored = self._stored(name, entry, self.store.local_path)
        if stored is not None:
            return stored
        path = directory / entry.name
        partial = directory / f".{entry.name}.{uuid.uuid4().hex}"
        digest = hashlib.sha256()
        try:
            with partial.open("wb") as copy:
                for chunk in self.store.chunks(entry.key):
                    digest.update(chunk)
                    copy.write(chunk)
            if digest.hexdigest() != entry.sha256:
                raise _corrupt(name, entry)
            os.replace(partial, path)
        except ObjectMissing as error:
            raise _corrupt(name, entry) from error
        finally:
            partial.unlink(missing_ok=True)
        return path

    # How it is kept

    def _state(self, name: str) -> tuple[int, bool, Manifest | None]:
        """Returns (version of the state journal, whether the artifact exists now, its newest manifest)."""
        machine, kind, digest = parse_name(name)
        try:
            first = self.store.get(_manifest_key(name))
        except ObjectMissing:
            return 0, False, None
        manifest = Manifest.from_bytes(first)
        if (manifest.machine, manifest.kind, manifest.hash) != (machine, kind, digest):
            raise SensorForgeError("ARTIFACT_CORRUPT", f"The manifest of {name} is that of {manifest.name}.")
        alive = True
        entries = self._journal(name).entries()
        for entry in entries:
            alive = entry["state"] == "created"
            if alive:
                manifest = Manifest.from_json(entry["manifest"])
        return len(entries), alive, manifest

    def _journal(self, name: str) -> Journal:
        return Journal(self.store, "artifacts/" + name.removeprefix("machines/"))

    def _check_bytes(self, manifest: Manifest) -> None:
        for file in manifest.files:
            if self._stored(manifest.name, file, self.store.size) != file.size_bytes:
                raise _corrupt(manifest.name, file)

    def _hint(self, manifest: Manifest) -> None:
        machine, kind, digest = parse_name(manifest.name)
        hints = [f"index/{machine}/{kind}/{inverse_time(manifest.created)}-{digest}"]
        hints += [_children_folder(parent) + f"{machine}/{kind}/{digest}" for parent in manifest.parents.values()]
        for key in hints:
            with suppress(ObjectExists):
                self.store.create(key, b"")

    def _hinted(self, machine: str, kind: str, hint: str) -> Manifest | None:
        """Returns the artifact that a listing hint stands for, or None when it stands for none (any more)."""
        if not _HINT.fullmatch(hint):
            return None
        inverse, digest = hint.split("-")
        _, alive, manifest = self._state(artifact_name(machine, kind, digest))
        if manifest is None or not alive or inverse_time(manifest.created) != inverse:
            return None
        return manifest

    def _children(self, manifest: Manifest) -> Names:
        folder = _children_folder(manifest.name)
        children = ["machines/" + key.removeprefix(folder) for key in self.store.list(folder)]
        return [name for name in children if manifest.name in self._parents_of(name)]

    def _parents_of(self, name: str) -> Names:
        _, _, manifest = self._state(name)
        return [*manifest.parents.values()] if manifest else []

    def _closure(self, name: str, neighbours: Callable[[Manifest], Names]) -> Found:
        """Returns everything reachable, the start first, each with whether it exists now."""
        found: Found = []
        seen = {name}
        front = [name]
        while front:
            following: Names = []
            for current in front:
                _, alive, manifest = self._state(current)
                if manifest is not None:
                    found.append((manifest, alive))
                    following += neighbours(manifest)
            front = [other for other in dict.fromkeys(following) if other not in seen]
            seen.update(front)
        return found

    def _refuse_if_guarded(self, name: str) -> None:
        for item, _ in self._closure(name, self._children):
            if item.kind == "models":
                _, default = default_model_journal(self.store, item.machine).latest()
                if default and default["model"] == item.name:
                    raise SensorForgeError(
                        "ARTIFACT_IN_USE",
                        f"{name} stays: {item.name}, the default model of {item.machine}, is it or was made from it.",
                    )
        for guard in self._guards:
            why = guard(name)
            if why:
                raise SensorForgeError("ARTIFACT_IN_USE", f"{name} stays: {why}")

    def _stored(self, name: str, file: ArtifactFile, read: Callable[[str], T]) -> T:
        try:
            return read(file.key)
        except ObjectMissing as error:
            raise _corrupt(name, file) from error


def default_model_journal(store: ObjectStore, machine: str) -> Journal:
    """Returns the journal of a machine's default model; its entries' "model" is an artifact name, or "" for none."""
    return Journal(store, f"machines/{check_machine(machine)}/default-model")


def check_page_size(page_size: int) -> int:
    """Returns the number of items on a page: 50 for 0, at most 200. Raises SensorForgeError("INVALID_REQUEST")."""
    if page_size < 0:
        raise SensorForgeError("INVALID_REQUEST", f"page_size is {page_size}; it cannot be negative.")
    return min(page_size, _LARGEST_PAGE) or _DEFAULT_PAGE


def _manifest_key(name: str) -> str:
    return f"manifests/{name.removeprefix('machines/')}.json"


def _children_folder(name: str) -> str:
    parse_name(name)
    return f"children/{name.removeprefix('machines/')}/"


def _corrupt(name: str, file: ArtifactFile) -> SensorForgeError:
    return SensorForgeError(
        "ARTIFACT_CORRUPT",
        f"The bytes of {file.name} in {name} are missing or are not those of its manifest ({file.key}).",
    )
