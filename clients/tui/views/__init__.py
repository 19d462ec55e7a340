"""What the panes show, as plain values: the gateway makes them from the services' answers, tests make them by hand."""

from __future__ import annotations

from clients.tui.views.evidence import (
    Comparison,
    Correlations,
    DataSets,
    GateRow,
    MergePreview,
    SensorRow,
    SetCheck,
    SetMeasure,
    SetRow,
    Shape,
)
from clients.tui.views.reports import Advance, EpochPoint, Notice, Problem, Report
from clients.tui.views.rows import (
    Cleaning,
    CleaningRow,
    ColumnMap,
    ColumnRow,
    Fact,
    FindingRow,
    Preview,
    TemplateRow,
    Trace,
)
from clients.tui.views.runs import Choices, Home, MachineRow, OpenedRun, RunRow

__all__ = [
    "Advance",
    "Choices",
    "Cleaning",
    "CleaningRow",
    "ColumnMap",
    "ColumnRow",
    "Comparison",
    "Correlations",
    "DataSets",
    "EpochPoint",
    "Fact",
    "FindingRow",
    "GateRow",
    "Home",
    "MachineRow",
    "MergePreview",
    "Notice",
    "OpenedRun",
    "Preview",
    "Problem",
    "Report",
    "RunRow",
    "SensorRow",
    "SetCheck",
    "SetMeasure",
    "SetRow",
    "Shape",
    "TemplateRow",
    "Trace",
]
