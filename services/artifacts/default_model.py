"""A machine's default model: a journal of who switched to what, when, and on what grounds.

Switching names the version that was seen; whoever comes second is told and decides again. Rolling back is one more
switch, so history only grows. A model that is the default, and what it was made from, cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import services.artifacts.errors  # noqa: F401
from services.artifacts.catalog import Catalog, default_model_journal
from services.artifacts.clock import utc_now
from services.artifacts.journal import Journal, JournalConflict
from services.artifacts.manifest import parse_name
from services.chassis.errors import SensorForgeError


@dataclass(frozen=True)
class DefaultModel:
    """One entry of the history. Version 0 with an empty model means that the machine has none yet."""

    model: str = ""
    version: int = 0
    actor: str = ""
    created: str = ""
    comparison: str = ""
    reason: str = ""


class DefaultModels:
    """The default models of all machines in a store."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def current(self, machine: str) -> DefaultModel:
        """Returns the default now; version 0 when there is none."""
        version, entry = self._journal(machine).latest()
        return _entry(version, entry) if entry else DefaultModel()

    def history(self, machine: str) -> list[DefaultModel]:
        """Returns all defaults, newest first."""
        entries = self._journal(machine).entries()
        return [_entry(number, entry) for number, entry in enumerate(entries, 1)][::-1]

    def activate(
        self,
        machine: str,
        model: str,
        expected_version: int,
        *,
        actor: str = "",
        comparison: str = "",
        reason: str = "activate",
        request_id: str = "",
    ) -> tuple[DefaultModel, DefaultModel]:
        """Makes a model the default if the default still is at `expected_version`; returns (now, before).

        A request_id that switched before switches nothing and gets the same answer. Raises SensorForgeError:
        "DEFAULT_CHANGED", "MODEL_EXPECTED" for anything but a model of this machine, "ARTIFACT_NOT_FOUND".
        """
        if parse_name(model)[:2] != (machine, "models"):
            raise SensorForgeError("MODEL_EXPECTED", f"{model} is not a model of {machine}.")
        if comparison:
            self._catalog.get(comparison)
        wanted = DefaultModel(model, 0, actor, utc_now(), comparison, reason or "activate")
        return self._switch(machine, wanted, expected_version, request_id)

    def rollback(
        self, machine: str, expected_version: int, to_version: int = 0, *, actor: str = "", request_id: str = ""
    ) -> tuple[DefaultModel, DefaultModel]:
        """Makes an earlier default the default again, as a new version; 0 means the one before. Returns (now, before).

        Raises SensorForgeError as `activate`, and "DEFAULT_NO_PREVIOUS" when there is no such version.
        """
        done = self._done(machine, request_id)
        if done:
            return done
        history = self.history(machine)[::-1]
        version = to_version or len(history) - 1
        if not 0 < version <= len(history) or not history[version - 1].model:
            raise SensorForgeError(
                "DEFAULT_NO_PREVIOUS",
                f"The default model of {machine} has {len(history)} versions; version {version} names no model.",
                remedy=f"Name a version from 1 to {len(history)}." if to_version and history else "",
            )
        earlier = history[version - 1]
        wanted = DefaultModel(earlier.model, 0, actor, utc_now(), earlier.comparison, "rollback")
        return self._switch(machine, wanted, expected_version, request_id)

    def _switch(
        self, machine: str, wanted: DefaultModel, expected_version: int, request_id: str
    ) -> tuple[DefaultModel, DefaultModel]:
        done = self._done(machine, request_id)
        if done:
            return done
        self._catalog.get(wanted.model)
        journal = self._journal(machine)
        try:
            version = journal.append(expected_version, _document(wanted, request_id))
        except JournalConflict as conflict:
            done = self._done(machine, request_id)
            if done:
                return done
            raise SensorForgeError(
                "DEFAULT_CHANGED",
                f"The default model of {machine} is at version {conflict.version}, not {expected_version}.",
                metadata={"version": str(conflict.version)},
            ) from conflict
        before = self._at(machine, version - 1)
        if not self._catalog.exists(wanted.model):  # deleted between the question and the switch
            journal.append(version, _document(replace(before, created=utc_now(), reason="rollback"), ""))
            self._catalog.get(wanted.model)
        return self._at(machine, version), before

    def _done(self, machine: str, request_id: str) -> tuple[DefaultModel, DefaultModel] | None:
        if not request_id:
            return None
        for number, entry in enumerate(self._journal(machine).entries(), 1):
            if entry["request_id"] == request_id:
                return _entry(number, entry), self._at(machine, number - 1)
        return None

    def _at(self, machine: str, version: int) -> DefaultModel:
        if version == 0:
            return DefaultModel()
        return _entry(version, self._journal(machine).entries(after=version - 1)[0])

    def _journal(self, machine: str) -> Journal:
        return default_model_journal(self._catalog.store, machine)


def _entry(version: int, entry: Mapping[str, Any]) -> DefaultModel:
    return DefaultModel(
        model=entry["model"],
        version=version,
        actor=entry["actor"],
        created=entry["created"],
        comparison=entry["comparison"],
        reason=entry["reason"],
    )


def _document(model: DefaultModel, request_id: str) -> dict[str, Any]:
    return {
        "model": model.model,
        "actor": model.actor,
        "created": model.created,
        "comparison": model.comparison,
        "reason": model.reason,
        "request_id": request_id,
    }
