"""A gateway that answers from a script, for tests of what the screens do with the answers."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
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


SENSORS = ("winding_temp_C", "bearing_de_temp_C", "bearing_nde_temp_C", "current_A", "vibration_mm_s")
SHAPES = {
    name: views.Shape(
        {
            set_: tuple(math.exp(-(((i - middle - n) / 6) ** 2)) / 10.7 for i in range(40))
            for set_, middle in (("real", 20), ("original", 12), ("refined", 21))
        },
        tuple(60 + i for i in range(41)),
    )
    for n, name in enumerate(SENSORS)
}


def compared(standing: str) -> views.Comparison:
    """Returns a comparison of five sensors."""
    size = range(len(SENSORS))
    correlated = {
        name: tuple(tuple(1.0 if r == c else lift + 0.1 * (r - c) for c in size) for r in size)
        for name, lift in (("real", 0.6), ("original", 0.1), ("refined", 0.52))
    }
    return views.Comparison(
        "Use the refined model: it meets every gate on 900 held-out real rows.",
        "use refined",
        (
            views.GateRow("KL divergence", "0.61", "0.07", "0.05", "≤ real + 0.1", "pass", "mean over 5 sensors"),
            views.GateRow("Correlation error", "0.19", "0.041", "0.03", "≤ real + 0.05", "pass"),
            views.GateRow("Improvement over the original", "–", "38 %", "–", "≥ 30 %", "pass"),
            views.GateRow("Nearness to training rows", "49 %", "51 %", "50 %", "≤ 55 %", "undecided"),
            views.GateRow("Exact copies of training rows", "0 %", "0 %", "0 %", "≤ 0 %", "pass"),
            views.GateRow("Outside physical limits", "0 %", "0 %", "0 %", "≤ 0.1 %", "pass"),
            views.GateRow("Held-out rows seen before", "0 %", "0 %", "0 %", "≤ 1 %", "pass"),
        ),
        tuple(
            views.SensorRow(name, 0.88 - n / 10, 0.14 - n / 50, 0.02, "°C", "refined misses the 95-110 °C tail")
            for n, name in enumerate(SENSORS)
        ),
        views.DataSets(
            (views.SetRow("train", 35_000, 396), views.SetRow("val", 7_500, 86), views.SetRow("test", 7_500, 85)),
            "",
            (views.SetCheck("runs in one set", "pass", "No run is in two sets."),),
            (views.SetMeasure("in time", "autocorrelation error", "0.022", "0.026", "lags 1 to 50"),),
        ),
        "0123456789ab",
        standing,
        900,
        SHAPES,
        views.Correlations(SENSORS, correlated),
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
        self.drafted: Path | None = None
        self.seen: frozenset[str] = frozenset()
        self.known: list[views.TemplateRow] = []
        self.bad_rows = views.Preview(("source_row", "reason"), (("7", "too many cells"),), 1)
        self.map = COLUMNS
        self.recipe: tuple[views.CleaningRow, ...] = (
            views.CleaningRow("interpolate", ("Temp 2",), cells=312),
            views.CleaningRow("clip", (), cells=4),
        )
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

    async def losses(self, runs: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
        return dict.fromkeys(runs, (3.0, 2.0, 1.5, 1.2, 1.1))

    async def draft_profile(self, file: str) -> Path:
        self.calls.append(f"draft {file}")
        if self.drafted is None:
            raise views.Problem("The file has no numbers.", "Name another file.", "PROFILE_NOT_DRAFTED")
        return self.drafted

    async def open_run(
        self, files: Sequence[str], profile: str, report: Listener, *, header_row: int | None = None
    ) -> views.OpenedRun:
        self.calls.append("open" if header_row is None else f"open with header {header_row}")
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

    async def rejects(self, offset: int = 0) -> views.Preview:
        return self.bad_rows

    async def write_rejects(self, path: Path) -> int:
        self.calls.append(f"write {path.name}")
        return self.bad_rows.total

    async def accepted(self) -> Collection[str]:
        return self.seen

    async def accept(self, findings: Collection[str]) -> None:
        self.seen = frozenset(findings)

    async def column_map(self) -> views.ColumnMap:
        return self.map

    async def choices(self) -> views.Choices:
        return self.told

    async def choose_columns(self, columns: Sequence[views.ColumnRow]) -> None:
        self.columns = columns

    async def templates(self) -> Sequence[views.TemplateRow]:
        return self.known

    async def save_template(self, columns: Sequence[views.ColumnRow]) -> None:
        rows = tuple((c.column, c.role, c.sensor, c.unit) for c in columns)
        self.known.append(views.TemplateRow("machines/pump-1/templates/1", rows, "2024-05-01"))

    async def forget_template(self, name: str) -> None:
        self.known = [template for template in self.known if template.name != name]

    async def save_recipe(self, path: Path, steps: Sequence[views.CleaningRow]) -> None:
        self.calls.append(f"save recipe {path.name}")

    async def cleaning(self, steps: Sequence[views.CleaningRow] = ()) -> views.Cleaning:
        chosen = tuple(steps) or self.recipe
        trace = views.Trace("Temp 2", 4211, (1.0, 2.0, float("nan"), 4.0), (1.0, 2.0, 3.0, 4.0))
        return views.Cleaning(chosen, 6000, 6000 - 10 * sum(not s.enabled for s in chosen), (trace,))

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        self.calls.append("recipe " + ",".join(s.kind for s in steps if s.enabled))

    async def choose_strategy(self, strategy: str) -> None:
        self.strategy = strategy

    async def choose_training(self, training: views.Choices) -> None:
        self.calls.append(f"training {training.epochs}")
        self.told = training

    async def cancel(self, *, keep: bool) -> None:
        self.calls.append(f"cancel {'keep' if keep else 'discard'}")
        self.hold.set()

    async def curves(self) -> Sequence[views.EpochPoint]:
        return [views.EpochPoint("seed", e, 8, 2 / e, 2 / e, 2 / e, 1e-3, 0.0, 0.0, 0) for e in range(1, 9)]

    async def merge_preview(self) -> views.MergePreview:
        life = views.Shape({"real": (0.2, 0.3, 0.3, 0.2)}, (0.0, 25.0, 50.0, 75.0, 100.0))
        return views.MergePreview(6_300, 1_350, 1_350, 10_000, life, "h")

    async def models(self) -> Sequence[tuple[str, str]]:
        return [
            ("0123456789ab", "0123456789ab flow, refined"),
            ("abcdefabcdef", "abcdefabcdef flow, seed, the default"),
        ]

    async def training_words(self) -> Sequence[str]:
        return ["refined has the lowest loss on 1,350 real validation rows."]

    async def choose_sets(self, rows: int, where: str) -> None:
        self.calls.append(f"sets {rows} {where}".rstrip())
        self.told = dataclasses.replace(self.told, rows=rows, where=where)

    async def comparison(self) -> views.Comparison:
        return compared(self.standing)

    async def export(self, directory: Path) -> Sequence[Path]:
        self.calls.append(f"export {directory}")
        return [directory / "comparison.json", directory / "comparison.pdf"]

    async def activate(self, before: str) -> str:
        if before != self.standing:
            raise views.Problem(
                f"The default of pump-1 is {self.standing} by now.", "Look at the gates again, then decide.", "CONFLICT"
            )
        self.calls.append("activate")
        self.standing = "0123456789ab"
        return "0123456789ab is the default now"

    async def save(self, directory: Path) -> Sequence[Path]:
        self.calls.append(f"save {directory}")
        return [directory / "augmented" / "train.parquet"]
