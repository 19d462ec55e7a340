"""Findings: what a step noticed about the data and the person should know. A finding is a result, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One observation: a stable code, how serious it is, the column it is about and a sentence with the numbers."""

    code: str
    severity: Severity
    message: str
    column: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        shown = {"code": self.code, "severity": self.severity, "column": self.column, "message": self.message}
        return {**shown, **({"values": dict(self.values)} if self.values else {})}
