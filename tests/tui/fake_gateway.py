"""A gateway that answers from a script, for tests of what the screens do with the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from clients.tui import views
from clients.tui.gateway import Listener
from clients.tui.session import Step

COLUMNS = views.ColumnMap(
    (
        views.ColumnRow("Time", ("2024-01-01",), "timestamp", "", "auto", 0.99),
        views.ColumnRow("DE Brg Temp", ("163.4",), "sensor", "bearing_de_temp_C", "auto", 0.93, "°F", "°C"),
        views.ColumnRow(
            "Temp 2",
            ("70.1",),
            "sensor",
            "bearing_nde_temp_C",
            "review",
            0.55,
            "°F",
            "°C",
            ("a temperature, no position",),
            (("bearing_nde_temp_C", 0.55), ("winding_temp_C", 0.41)),
            "163.4 °F -> 73.0 °C",
        ),
        views.ColumnRow("Spare", ("0",), "auxiliary"),
    ),
    ("bearing_de_temp_C", "bearing_nde_temp_C", "winding_temp_C"),
)


class FakeGateway:
    """Records what it is asked, in order; `problems` maps a step to the problem it raises once."""

    def __init__(self, runs: Sequence[views.RunRow] = ()) -> None:
        self.calls: list[str] = []
        self.runs = tuple(runs)
        self.problems: dict[Step, views.Problem] = {}
        self.columns: Sequence[views.ColumnRow] = ()
        self.strategy = ""
        self.finished: dict[str, str] = {}
        self.hold = asyncio.Event()
        self.hold.set()
        self.left_running = ""
        self.opened = views.OpenedRun("machines/pump-1/runs/1", "pump.csv", "pump-1")
        self.running: Step | None = None
        self.told = views.Choices()
        self.standing = "abcdefabcdef"
        self._report: Listener = lambda _: None

    async def connect(self) -> str:
        self.calls.append("connect")
        return "fake"

    async def close(self) -> None:
        self.calls.append("close")

    async def home(self) -> views.Home:
        self.calls.append("home")
        return views.Home("fake", self.runs, (views.MachineRow("pump-1", "pump", 12, "0123456789ab"),))

    async def delete_run(self, name: str) -> None:
        self.calls.append(f"delete {name}")
        self.runs = ()

    async def open_run(self, files: Sequence[str], profile: str, report: Listener) -> views.OpenedRun:
        self.calls.append("open")
        self._report = report
        return self.opened

    async def reopen_run(self, name: str, report: Listener) -> views.OpenedRun:
        self.calls.append(f"reopen {name}")
        self._report = report
        return views.OpenedRun(name, "pump.csv", "pump-1", self.finished, running=self.running)

    async def take(self, step: Step) -> str:
        self.calls.append(f"take {step.title}")
        if step in self.problems:
            raise self.problems.pop(step)
        self._report(views.Advance(f"{step.title} at work", 1, 4))
        trained = {Step.MERGE: ("seed", 1.5), Step.REFINE: ("refined", 1.2)}
        if step in trained:
            series, start = trained[step]
            for epoch in range(1, 11):
                self._report(
                    views.EpochPoint(
                        series, epoch, 10, start / epoch, start / epoch + 0.1, start / epoch, 1e-3, 0.1, 1.0, 10
                    )
                )
        await self.hold.wait()
        return f"{step.title} came to something"

    async def detection(self) -> Sequence[views.Fact]:
        return [views.Fact("format", "csv", "text with 11 commas a line"), views.Fact("encoding", "utf-8", "valid")]

    async def preview(self, offset: int = 0) -> views.Preview:
        return views.Preview(("Time", "DE Brg Temp"), (("2024-01-01", "163.4"),), 1)

    async def findings(self, *, of_profile: bool = False) -> Sequence[views.FindingRow]:
        return [
            views.FindingRow("warning", "MISSING", "Temp 2", "31 % of the cells are missing", "interpolate"),
            views.FindingRow("error", "STUCK", "Spare", "one value in all rows"),
        ]

    async def column_map(self) -> views.ColumnMap:
        return COLUMNS

    async def choices(self) -> views.Choices:
        return self.told

    async def choose_columns(self, columns: Sequence[views.ColumnRow]) -> None:
        self.columns = columns

    async def cleaning(self, steps: Sequence[views.CleaningRow] = ()) -> views.Cleaning:
        chosen = tuple(steps) or (
            views.CleaningRow("interpolate", ("Temp 2",), cells=312),
            views.CleaningRow("clip", (), cells=4),
        )
        return views.Cleaning(chosen, 6000, 6000 - 10 * sum(not s.enabled for s in chosen))

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        self.calls.append("recipe " + ",".join(s.kind for s in steps if s.enabled))

    async def choose_strategy(self, strategy: str) -> None:
        self.strategy = strategy

    async def choose_training(self, training: views.Choices) -> None:
        self.calls.append(f"training {training.epochs}")

    async def cancel(self, *, keep: bool) -> None:
        self.calls.append(f"cancel {'keep' if keep else 'discard'}")
        self.hold.set()

    async def curves(self) -> Sequence[views.EpochPoint]:
        return [views.EpochPoint("seed", e, 8, 2 / e, 2 / e, 2 / e, 1e-3, 0.0, 0.0, 0) for e in range(1, 9)]

    async def comparison(self) -> views.Comparison:
        return views.Comparison(
            "Use the refined model: it meets every gate on 900 held-out real rows.",
            "use refined",
            (
                views.GateRow("KL divergence", "0.61", "0.07", "0.05", "< 0.1", "pass", "mean over 9 sensors"),
                views.GateRow("Correlation error", "0.19", "0.041", "0.03", "< 0.05", "pass"),
                views.GateRow("Improvement over the original", "", "38 %", "", "> 30 %", "pass"),
            ),
            (views.SensorRow("winding_temp_C", 0.88, 0.14, 0.02, "°C", "refined misses the 95-110 °C tail"),),
            {"train": 35_000, "val": 7_500, "test": 7_500},
            (views.SetCheck("runs in one split", "pass", "No run is in two splits."),),
            "0123456789ab",
            self.standing,
        )

    async def activate(self) -> str:
        self.calls.append("activate")
        self.standing = "0123456789ab"
        return "0123456789ab is the default now"

    async def save(self, directory: Path) -> Sequence[Path]:
        self.calls.append(f"save {directory}")
        return [directory / "augmented" / "train.parquet"]
