"""What a validation notices, and what its checks share while one table is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from services.ingest.checks.statistics import NumberStatistics
from services.ingest.checks.thresholds import Thresholds
from services.machines.profile import MachineProfile


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing. `code` is stable; `severity` error fails the validation."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    column: str = ""
    count: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "column": self.column,
            "count": self.count,
        }


@dataclass
class Check:
    """A table under examination, its statistics, and the findings so far."""

    table: pl.DataFrame
    thresholds: Thresholds
    statistics: dict[str, NumberStatistics]
    profile: MachineProfile | None
    units: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)

    def add(
        self, code: str, severity: Literal["error", "warning", "info"], message: str, column: str = "", count: int = 0
    ) -> None:
        self.findings.append(Finding(code, severity, message, column, count))
