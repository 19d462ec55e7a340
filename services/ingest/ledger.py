"""The conservation ledger: what every line and every cell of a file became. It balances, or nothing is published.

Lines: total = preamble + header + units + rows + rejected + footer + blank + continuation (further lines of a
quoted cell). Cells: rows x columns = number + text + time + boolean + empty + token + unparsable + bad. Where a long
export is turned wide, samples = placed + bad + duplicate + unparsable + missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.tables import LineCounts, SampleCounts

LISTED_TEXTS = 50
"""Distinct token or unparsable texts listed by name; the rest is summed under OTHER_TEXTS."""
OTHER_TEXTS = "(other texts)"


@dataclass
class ColumnCells:
    """What the cells of one column became; `tokens` and `unparsable` by text, `lines` the first lines of each text."""

    name: str
    typed: str = "text"
    number: int = 0
    text: int = 0
    time: int = 0
    boolean: int = 0
    empty: int = 0
    bad: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    unparsable: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        kept = self.number + self.text + self.time + self.boolean
        return kept + self.empty + self.bad + self.tokens.total() + self.unparsable.total()

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.typed,
            "number": self.number,
            "text": self.text,
            "time": self.time,
            "boolean": self.boolean,
            "empty": self.empty,
            "bad": self.bad,
            "tokens": _listed(self.tokens),
            "unparsable": _listed(self.unparsable),
            "lines": self.lines,
        }


@dataclass
class Ledger:
    """The account of one file."""

    file_name: str
    size_bytes: int
    sha256: str
    lines: LineCounts
    rows: int
    columns: list[ColumnCells]
    samples: SampleCounts | None = None

    def problems(self) -> list[str]:
        """Returns one sentence for every equation that does not hold; empty when the ledger balances."""
        found = []
        if self.lines.total != self.lines.accounted:
            found.append(
                f"{self.lines.total} lines were counted, {self.lines.accounted} are accounted for ({self.lines})."
            )
        found.extend(
            f"column {c.name!r} has {self.rows} cells, {c.total} are accounted for."
            for c in self.columns
            if c.total != self.rows
        )
        if self.samples is not None and not self.samples.balanced:
            found.append(f"the samples do not add up: {self.samples}.")
        return found

    def check(self) -> None:
        """Raises LEDGER_UNBALANCED unless every line and every cell is accounted for."""
        if problems := self.problems():
            raise SensorForgeError("LEDGER_UNBALANCED", f"{self.file_name}: {problems[0]}")

    def to_json(self) -> dict[str, Any]:
        lines = {name: getattr(self.lines, name) for name in LineCounts.__dataclass_fields__}
        cells = {
            kind: sum(getattr(c, kind) for c in self.columns)
            for kind in ("number", "text", "time", "boolean", "empty", "bad")
        }
        cells["token"] = sum(c.tokens.total() for c in self.columns)
        cells["unparsable"] = sum(c.unparsable.total() for c in self.columns)
        return {
            "file_name": self.file_name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "lines": lines,
            "rows": self.rows,
            "cells": cells | {"total": self.rows * len(self.columns)},
            "columns": {c.name: c.to_json() for c in self.columns},
            "samples": None if self.samples is None else asdict(self.samples),
            "balanced": not self.problems(),
        }


def combined(ledgers: Sequence[Ledger]) -> dict[str, Any]:
    """Returns ledger.json of one or more files."""
    files = [ledger.to_json() for ledger in ledgers]
    return {
        "schema_version": 1,
        "files": files,
        "lines": {k: sum(f["lines"][k] for f in files) for k in files[0]["lines"]},
        "cells": {k: sum(f["cells"][k] for f in files) for k in files[0]["cells"]},
        "rows": sum(f["rows"] for f in files),
        "balanced": all(f["balanced"] for f in files),
    }


def _listed(counts: Counter[str]) -> dict[str, int]:
    listed = dict(counts.most_common(LISTED_TEXTS))
    rest = counts.total() - sum(listed.values())
    return listed | ({OTHER_TEXTS: rest} if rest else {})
