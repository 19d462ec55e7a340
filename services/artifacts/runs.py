"""Runs: what people and programs decided on a file's way through the steps, as create-only journals.

A run's id follows from the request that created it, so the same request is the same run. Decisions are only added;
one request_id adds once. Deleting a run hides it from lists; its decisions and artifacts stay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import services.artifacts.errors  # noqa: F401
from services.artifacts.catalog import check_page_size
from services.artifacts.clock import inverse_time, utc_now
from services.artifacts.derivation import canonical_json
from services.artifacts.journal import Journal, JournalConflict
from services.artifacts.manifest import check_machine
from services.artifacts.objects import ObjectExists, ObjectStore
from services.chassis.errors import SensorForgeError

ANY_VERSION = -1

_RUN = re.compile(r"[0-9a-f]{32}")
_HINT = re.compile(r"\d{18}-[0-9a-f]{32}\.[a-z0-9][a-z0-9_-]{0,62}")
_ALL = "_all"  # no machine id begins with an underscore


@dataclass(frozen=True)
class Decision:
    """One decision. `artifact`, `job` and `draft_json` are empty where there is none; `created` is RFC 3339 in UTC."""

    step: str
    artifact: str = ""
    job: str = ""
    draft_json: str = ""
    actor: str = ""
    created: str = ""


@dataclass(frozen=True)
class Run:
    """A run as it stands. `version` is the number of journal entries."""

    machine: str
    run: str
    title: str
    created: str
    decisions: tuple[Decision, ...]
    version: int
    deleted: bool = False

    @property
    def name(self) -> str:
        """machines/{machine}/runs/{run}."""
        return f"machines/{self.machine}/runs/{self.run}"


RunPage = list[Run]  # outside the class, whose own `list` would be meant inside it


class Runs:
    """All runs of a store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def create(self, machine: str, title: str, request_id: str, *, actor: str = "") -> tuple[Run, bool]:
        """Returns the run of this request and whether it existed before."""
        check_machine(machine)
        if not request_id:
            raise SensorForgeError("INVALID_REQUEST", "request_id is empty; a run's id is derived from it.")
        run = hashlib.sha256(canonical_json({"machine": machine, "request_id": request_id})).hexdigest()[:32]
        journal = self._journal(machine, run)
        created = utc_now()
        if journal.version() == 0:
            self._hint(machine, run, created)
            with suppress(JournalConflict):
                journal.append(
                    0,
                    {"type": "created", "title": title, "actor": actor, "request_id": request_id, "created": created},
                )
                return self._fold(machine, run, journal.entries()), False
        return self._fold(machine, run, journal.entries()), True

    def get(self, name: str) -> Run:
        """Returns a run, a deleted one included. Raises SensorForgeError("RUN_NOT_FOUND")."""
        machine, run = _parse(name)
        return self._fold(machine, run, self._journal(machine, run).entries())

    def list(self, machine: str = "", page_size: int = 50, page_token: str = "") -> tuple[RunPage, str]:
        """Returns a page of runs that are not deleted, newest first, of a machine or of all (""), and the next token.

        Raises SensorForgeError("INVALID_REQUEST").
        """
        folder = f"index/{check_machine(machine) if machine else _ALL}/runs/"
        if page_token and not _HINT.fullmatch(page_token):
            raise SensorForgeError("INVALID_REQUEST", f"{page_token!r} is not a page_token of this listing.")
        wanted = check_page_size(page_size)
        page: RunPage = []
        last = ""
        for key in self._store.list(folder, start_after=folder + page_token if page_token else ""):
            run = self._hinted(key.removeprefix(folder))
            if run is None or run.deleted:
                continue
            if len(page) == wanted:
                return page, last
            page.append(run)
            last = key.removeprefix(folder)
        return page, ""

    def append(self, name: str, decision: Decision, expected_version: int, request_id: str = "") -> Run:
        """Adds a decision and returns the run after it; a request_id that was added before adds nothing.

        `expected_version` is the version last read, or ANY_VERSION. Raises SensorForgeError: "RUN_NOT_FOUND" (deleted
        ones as well), "RUN_CHANGED" when the run stands elsewhere.
        """
        machine, run = _parse(name)
        entry = {"type": "decision", **asdict(decision), "created": decision.created or utc_now()}
        entry["request_id"] = request_id

        def decide(entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
            stands = self._fold(machine, run, entries)
            if stands.deleted:
                raise _not_found(name)
            if request_id and any(old["type"] == "decision" and old["request_id"] == request_id for old in entries):
                return None
            if expected_version not in (ANY_VERSION, stands.version):
                raise SensorForgeError(
                    "RUN_CHANGED",
                    f"{name} stands at version {stands.version}, not {expected_version}.",
                    metadata={"version": str(stands.version)},
                )
            return entry

        self._journal(machine, run).update(decide)
        return self.get(name)

    def delete(self, name: str) -> None:
        """Hides a run; hidden ones are fine. Raises SensorForgeError("RUN_NOT_FOUND")."""
        machine, run = _parse(name)

        def decide(entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
            return None if self._fold(machine, run, entries).deleted else {"type": "deleted", "created": utc_now()}

        self._journal(machine, run).update(decide)

    def _journal(self, machine: str, run: str) -> Journal:
        return Journal(self._store, f"runs/{machine}/{run}")

    def _hint(self, machine: str, run: str, created: str) -> None:
        for folder in (machine, _ALL):
            with suppress(ObjectExists):
                self._store.create(f"index/{folder}/runs/{inverse_time(created)}-{run}.{machine}", b"")

    def _hinted(self, hint: str) -> Run | None:
        """Returns the run behind a listing hint, or None when a creation lost its race or was cut short."""
        if not _HINT.fullmatch(hint):
            return None
        inverse, _, rest = hint.partition("-")
        run, _, machine = rest.partition(".")
        entries = self._journal(machine, run).entries()
        if not entries or inverse_time(entries[0]["created"]) != inverse:
            return None
        return self._fold(machine, run, entries)

    def _fold(self, machine: str, run: str, entries: Iterable[Mapping[str, Any]]) -> Run:
        history = [*entries]
        if not history:
            raise _not_found(f"machines/{machine}/runs/{run}")
        return Run(
            machine=machine,
            run=run,
            title=history[0]["title"],
            created=history[0]["created"],
            decisions=tuple(
                Decision(
                    step=entry["step"],
                    artifact=entry["artifact"],
                    job=entry["job"],
                    draft_json=entry["draft_json"],
                    actor=entry["actor"],
                    created=entry["created"],
                )
                for entry in history
                if entry["type"] == "decision"
            ),
            version=len(history),
            deleted=any(entry["type"] == "deleted" for entry in history),
        )


def _parse(name: str) -> tuple[str, str]:
    match name.split("/"):
        case ["machines", machine, "runs", run] if _RUN.fullmatch(run):
            return check_machine(machine), run
    raise _not_found(name)


def _not_found(name: str) -> SensorForgeError:
    return SensorForgeError("RUN_NOT_FOUND", f"There is no run {name}.")
