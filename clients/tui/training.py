"""The picture of a training: its numbers, the validation losses of everything trained so far, and what was told."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical

from clients.sdk.wording import gain
from clients.tui.charts import Chart, LineChart, look
from clients.tui.plotting import Curve, Row, fitted
from clients.tui.views import EpochPoint

SERIES_NAMES = {"seed": "original", "refined": "refinement", "scratch": "from scratch"}
_ORDER = ("seed", "refined", "scratch")
_REPAINT_S = 0.4
_LABEL = 12
_KEPT_LINES = 200
_TIME = 10


class Numbers(Chart):
    """An epoch in numbers: names above values where it is low, which costs few bytes an epoch, else a line a number."""

    DEFAULT_CSS = "Numbers { height: 2; min-height: 1; }"

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hint = hint
        self._point: EpochPoint | None = None

    def show(self, point: EpochPoint) -> None:
        """Shows an epoch."""
        self._point = point
        self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the numbers with their names, or the hint before the first epoch."""
        lines: list[Row] = [[(self._hint, "axis")]]
        if self._point is not None and height > 2:
            lines = [[(f.name.ljust(_LABEL), "axis"), (f.value, "label")] for f in fields(self._point)]
        elif self._point is not None:
            told = [field for field in fields(self._point) if field.width]
            lines = [
                [("".join(f.name.rjust(f.width) for f in told), "axis")],
                [("".join(f.value.rjust(f.width) for f in told), "label")],
            ]
        return [fitted(line, width) for line in (lines + [[] for _ in range(height)])[:height]]


class Told(Chart):
    """The last of what was told, newest below."""

    DEFAULT_CSS = "Told { height: 3; min-height: 0; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[tuple[str, str]] = []

    def tell(self, text: str, *, dated: bool = True) -> None:
        """Adds a line, with the time when it happens now, unless it was the last one already; what has no time stands
        there once."""
        said = self._lines if not dated else self._lines[-1:]
        if text and all(line != text for _, line in said):
            time_of_day = f"{time.strftime('%H:%M:%S'):<{_TIME}}" if dated else ""
            self._lines = [*self._lines[1 - _KEPT_LINES :], (time_of_day, text)]
            self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """Returns the lines that fit, long ones broken."""
        broken: list[str] = []
        for time_of_day, text in self._lines[-height:] if height else []:
            words = textwrap.wrap(text, max(width - len(time_of_day), 20)) or [""]
            wrapped = [(" " * len(time_of_day) if n else time_of_day) + part for n, part in enumerate(words)]
            if len(wrapped) > height:  # of what is too long for the place its beginning says most
                wrapped = [*wrapped[: height - 1], wrapped[height - 1][: width - 2] + " …"]
            broken += wrapped
        shown = broken[-height:] if height else []
        return [fitted([(line, "axis")], width) for line in [*shown, *[""] * (height - len(shown))]]


class TrainingPicture(Vertical):
    """Takes epochs in as they come, in any order and more than once, and paints two or three times a second: more is
    not read, and would fill a slow line."""

    DEFAULT_CSS = """
    TrainingPicture { height: 1fr; }
    """

    def __init__(self, hint: str = "", *, told: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hint = hint
        self._with_told = told
        self._points: dict[str, dict[int, EpochPoint]] = {}
        self._newest: EpochPoint | None = None
        self._dirty = False
        self.paused = False

    def compose(self) -> ComposeResult:
        """Shows the numbers above the chart, and what was told below it."""
        yield Numbers(self._hint)
        yield LineChart(x_label="epoch")
        if self._with_told:
            yield Told()

    def on_mount(self) -> None:
        """Paints from a flag."""
        self.set_interval(_REPAINT_S, self._repaint)

    @property
    def empty(self) -> bool:
        """Returns whether there is nothing to show."""
        return not self._points

    def take(self, points: Iterable[EpochPoint]) -> None:
        """Takes epochs of a training that runs."""
        for point in points:
            if point.series not in self._points:
                name = SERIES_NAMES.get(point.series, point.series)
                self.tell(f"{name}: up to {point.epochs} epochs")
            self._points.setdefault(point.series, {})[point.epoch] = point
            self._newest, self._dirty = point, True

    def recall(self, points: Iterable[EpochPoint]) -> None:
        """Shows finished trainings in place of what was there of them."""
        found: dict[str, dict[int, EpochPoint]] = {}
        for point in points:
            found.setdefault(point.series, {})[point.epoch] = point
        if found:
            self._points.update(found)
            if self._newest is None or "refined" in found:
                chosen = [
                    points for points in found.values() if any(p.improvement is not None for p in points.values())
                ]
                newest = chosen[0] if chosen else found.get("refined") or next(iter(found.values()))
                self._newest = min(newest.values(), key=lambda p: p.validation)
            self._dirty = True

    def tell(self, text: str, *, dated: bool = True) -> None:
        """Adds a line to what was told, with the time when it happens now."""
        for told in self.query(Told):
            told.tell(text, dated=dated)

    def start_over(self) -> None:
        """Forgets all but the original's curve: another refinement begins."""
        self._points = {name: points for name, points in self._points.items() if name == "seed"}
        self._newest = None

    def hold(self) -> None:
        """Holds the picture, or lets it go on."""
        self.paused = not self.paused
        self._dirty = True
        self.tell("the chart is held, the training goes on; p lets it go" if self.paused else "the chart goes on")

    def _repaint(self) -> None:
        if not self._dirty or self.paused or not self.is_on_screen:
            return
        self._dirty = False
        names = sorted(self._points, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))
        curves = []
        for name in names:
            epochs = sorted(self._points[name])
            losses = [self._points[name][e].validation for e in epochs]
            title = SERIES_NAMES.get(name, name)
            curves.append(Curve(title, epochs, losses, look=look(title)))
        planned = max((p.epochs for points in self._points.values() for p in points.values()), default=2)
        self.query_one(LineChart).show(curves, (1, max(planned, 2)))
        if self._newest is not None:
            self.query_one(Numbers).show(self._newest)


@dataclass(frozen=True)
class Field:
    """A number with its name. `width` is its place in a line of 78 cells, 0 for none there."""

    name: str
    value: str
    width: int = 0


def fields(point: EpochPoint) -> list[Field]:
    """Returns what there is to say about an epoch."""
    return [
        Field("training", SERIES_NAMES.get(point.series, point.series)),
        Field("epoch", f"{point.epoch}/{point.epochs}", 9),
        Field("train", _loss(point.train), 9),
        Field("validation", _loss(point.validation), 12),
        Field("best", _loss(point.best), 9),
        Field("quality", _gain(point.improvement), 10),
        Field("patience", f"{point.patience} more" if point.patience else "–", 10),
        Field("an epoch", f"{point.seconds:.2f} s" if point.seconds else "–", 10),
        Field("left", short_duration(point.eta_s) if point.eta_s >= 1 else "–", 9),
        Field("rate", f"{point.rate:.2g}" if point.rate else "–"),
    ]


def short_duration(seconds: float) -> str:
    """Returns a time span in at most six characters: "38 s", "12 min", "3 h"."""
    whole = round(seconds)
    return (
        f"{whole} s" if whole < 100 else f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
    )


def _gain(percent: float | None) -> str:
    if percent is None:
        return "–"
    return ("+" if percent > 0 else "") + (gain(percent) if abs(percent) > 99 else f"{percent:.1f} %")


def _loss(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.3g}"
