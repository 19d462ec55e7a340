"""The machines a store knows: one journal of profile versions each, and one immutable artifact a profile.

Promises: registering the same content twice is one version, whatever it was written in; an older profile stays
readable by its artifact name, so that what was derived from it can always be explained. It never edits a profile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from services.artifacts.catalog import Catalog, check_page_size
from services.artifacts.clock import utc_now
from services.artifacts.journal import Journal, JournalConflict
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.objects import ObjectExists, ObjectStore
from services.chassis.errors import SensorForgeError
from services.machines import errors as errors
from services.machines.profile import MACHINE_ID, MachineProfile

FILE = "profile.json"
OPERATION = "machines.register"
_ATTEMPTS = 8


@dataclass(frozen=True)
class Machine:
    """A machine's current profile: its artifact name, its version from 1, and when it was registered (RFC 3339)."""

    profile: MachineProfile
    artifact: str
    version: int
    updated: str


class Machines:
    """Registers and finds machines in one store. All calls block on the store."""

    def __init__(self, store: ObjectStore, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def register(self, profile: MachineProfile) -> Machine:
        """Makes the profile the machine's current one and returns the machine; the current one again changes nothing.

        Raises MACHINE_CHANGED when others keep registering at the same time.
        """
        manifest = self._publish(profile)
        journal = self._journal(profile.machine_id)
        for _ in range(_ATTEMPTS):
            version, latest = journal.latest()
            if latest is not None and latest["profile"] == manifest.name:
                return Machine(profile, manifest.name, version, str(latest["created"]))
            created = utc_now()
            with suppress(JournalConflict):
                number = journal.append(version, {"profile": manifest.name, "created": created})
                self._remember(profile.machine_id)
                return Machine(profile, manifest.name, number, created)
        raise SensorForgeError(
            "MACHINE_CHANGED", f"Machine {profile.machine_id} is being registered by others again and again."
        )

    def get(self, machine_id: str) -> Machine:
        """Returns the machine. Raises MACHINE_NOT_FOUND."""
        if MACHINE_ID.fullmatch(machine_id):
            version, latest = self._journal(machine_id).latest()
            if latest is not None:
                artifact = str(latest["profile"])
                return Machine(self.profile(artifact), artifact, version, str(latest["created"]))
        raise SensorForgeError("MACHINE_NOT_FOUND", f"There is no machine {machine_id!r}.")

    def list(self, page_size: int = 50, page_token: str = "") -> tuple[list[Machine], str]:
        """Returns a page of machines by id, and the token of the next page ("" on the last)."""
        wanted = check_page_size(page_size)
        found: list[Machine] = []
        for machine_id in self._ids(page_token):
            if len(found) == wanted:
                return found, found[-1].profile.machine_id
            found.append(self.get(machine_id))
        return found, ""

    def profile(self, artifact: str) -> MachineProfile:
        """Returns the profile of a profile artifact, current or not. Raises ARTIFACT_NOT_FOUND."""
        return MachineProfile.from_json(self._catalog.read_json(artifact, FILE))

    def _publish(self, profile: MachineProfile) -> Manifest:
        data = json.dumps(profile.to_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        name = f"machines/{profile.machine_id}/profiles/{digest}"
        if self._catalog.exists(name):
            return self._catalog.get(name)
        key = f"profiles/{profile.machine_id}/{digest}/{FILE}"
        with suppress(ObjectExists):  # the key is the content's own hash, so whoever was first wrote the same bytes
            self._store.create(key, data)
        return self._catalog.publish(
            Manifest(
                machine=profile.machine_id,
                kind="profiles",
                hash=digest,
                operation=OPERATION,
                revision=1,
                parents={},
                params={},
                seed=0,
                producer="sensorforge",
                files=(ArtifactFile(FILE, key, digest, len(data), "application/json"),),
                created=utc_now(),
            )
        )

    def _journal(self, machine_id: str) -> Journal:
        return Journal(self._store, f"machines/{machine_id}/profile")

    def _remember(self, machine_id: str) -> None:
        """Leaves a zero-byte hint by which machines are listed without reading every journal."""
        with suppress(ObjectExists):
            self._store.create(f"machines/{machine_id}", b"")

    def _ids(self, after: str) -> Iterator[str]:
        start_after = f"machines/{after}" if after else ""
        for key in self._store.list("machines/", start_after=start_after):
            yield key.removeprefix("machines/")
