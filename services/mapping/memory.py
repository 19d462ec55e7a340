"""Mapping memory: confirmed mappings of a machine, found again by the header of a file.

It promises that what a person confirmed is offered for the next file with the same column names, in whatever order,
and that remembering and forgetting are entries of one create-only journal a machine, so that both can be traced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.artifacts.clock import utc_now
from services.artifacts.journal import Journal
from services.artifacts.objects import ObjectStore
from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors
from services.mapping.alignment import NOT_ALIGNED, AlignOptions
from services.mapping.plan import ColumnRule
from services.mapping.timeaxis import TimeOptions

_NAME = re.compile(r"machines/([a-z0-9][a-z0-9_-]{0,62})/templates/([0-9a-f]{32})")


def fingerprint(columns: Iterable[str]) -> str:
    """Returns 32 hex digits of the set of column names; their order and outer blanks do not matter."""
    names = sorted({column.strip() for column in columns} - {"source_row"})
    return hashlib.sha256(json.dumps(names, ensure_ascii=False).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Template:
    """A remembered mapping: all columns of the header with their rules, how time was read, when (RFC 3339), and how
    sensors of different cadence were aligned."""

    machine: str
    fingerprint: str
    rules: tuple[ColumnRule, ...]
    time: TimeOptions
    updated: str
    align: AlignOptions = NOT_ALIGNED

    @property
    def name(self) -> str:
        return f"machines/{self.machine}/templates/{self.fingerprint}"


class MappingMemory:
    """The templates of one store. All calls block on the store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def list(self, machine: str) -> list[Template]:
        """Returns the machine's templates, newest first."""
        found = _fold(machine, self._journal(machine).entries())
        return sorted(found.values(), key=lambda template: template.updated, reverse=True)

    def find(self, machine: str, columns: Iterable[str]) -> Template | None:
        """Returns the template for exactly this header, or None."""
        return _fold(machine, self._journal(machine).entries()).get(fingerprint(columns))

    def save(
        self, machine: str, rules: tuple[ColumnRule, ...], time: TimeOptions, align: AlignOptions = NOT_ALIGNED
    ) -> Template:
        """Remembers a confirmed mapping; the same again changes nothing. Raises MAPPING_EMPTY without columns."""
        if not rules:
            raise SensorForgeError("MAPPING_EMPTY", "There is no column to remember.")
        template = Template(machine, fingerprint(rule.column for rule in rules), rules, time, utc_now(), align)

        def decide(entries: list[dict[str, Any]]) -> Mapping[str, Any] | None:
            known = _fold(machine, entries).get(template.fingerprint)
            if known is not None and (known.rules, known.time, known.align) == (rules, time, align):
                return None
            return {
                "action": "save",
                "fingerprint": template.fingerprint,
                "columns": [asdict(rule) for rule in rules],
                "time": asdict(time),
                "align": asdict(align),
                "created": template.updated,
            }

        self._journal(machine).update(decide)
        return _fold(machine, self._journal(machine).entries()).get(template.fingerprint, template)

    def delete(self, name: str) -> None:
        """Forgets a template. Raises TEMPLATE_NOT_FOUND."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise SensorForgeError("TEMPLATE_NOT_FOUND", f"There is no template {name!r}.")
        machine, print_ = match.groups()

        def decide(entries: list[dict[str, Any]]) -> Mapping[str, Any] | None:
            if print_ not in _fold(machine, entries):
                raise SensorForgeError("TEMPLATE_NOT_FOUND", f"There is no template {name!r}.")
            return {"action": "delete", "fingerprint": print_, "created": utc_now()}

        self._journal(machine).update(decide)

    def _journal(self, machine: str) -> Journal:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", machine):
            raise SensorForgeError("INVALID_REQUEST", f"{machine!r} is no machine id.")
        return Journal(self._store, f"machines/{machine}/mapping-memory")


def _fold(machine: str, entries: Iterable[Mapping[str, Any]]) -> dict[str, Template]:
    known: dict[str, Template] = {}
    for entry in entries:
        key = entry["fingerprint"]
        if entry["action"] == "delete":
            known.pop(key, None)
        else:
            rules = tuple(ColumnRule(**rule) for rule in entry["columns"])
            align = AlignOptions(**entry.get("align", {}))
            known[key] = Template(machine, key, rules, TimeOptions(**entry["time"]), entry["created"], align)
    return known
