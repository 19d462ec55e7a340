"""The picture of a training: its numbers in two lines, and the validation losses of everything trained so far."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from clients.tui.charts import LineChart
from clients.tui.plotting import Curve
from clients.tui.views import EpochPoint
from clients.tui.widgets import duration

SERIES_NAMES = {"seed": "original", "refined": "refinement", "scratch": "from scratch"}
_ORDER = ("seed", "refined", "scratch")
_REPAINT_S = 0.1


class TrainingPicture(Vertical):
    """Takes epochs in as they come, in any order and more than once, and paints at most ten times a second."""

    DEFAULT_CSS = "TrainingPicture { height: 1fr; } TrainingPicture Static { height: 2; }"

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hint = hint
        self._points: dict[str, dict[int, EpochPoint]] = {}
        self._newest: EpochPoint | None = None
        self._dirty = False
        self.paused = False

    def compose(self) -> ComposeResult:
        """Shows the numbers above the chart."""
        yield Static(self._hint, classes="numbers", markup=False)
        yield LineChart(x_label="epoch")

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
            self._points.setdefault(point.series, {})[point.epoch] = point
            self._newest, self._dirty = point, True

    def recall(self, points: Iterable[EpochPoint]) -> None:
        """Shows finished trainings in place of what was there of them."""
        found: dict[str, dict[int, EpochPoint]] = {}
        for point in points:
            found.setdefault(point.series, {})[point.epoch] = point
        if found:
            self._points.update(found)
            newest = found.get("refined") or next(iter(found.values()))
            self._newest = min(newest.values(), key=lambda p: p.validation)
            self._dirty = True

    def start_over(self) -> None:
        """Forgets all but the original's curve: another refinement begins."""
        self._points = {name: points for name, points in self._points.items() if name == "seed"}
        self._newest = None

    def hold(self) -> None:
        """Holds the picture, or lets it go on."""
        self.paused = not self.paused
        self._dirty = True

    def _repaint(self) -> None:
        if not self._dirty or self.paused or not self.is_on_screen:
            return
        self._dirty = False
        names = sorted(self._points, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))
        curves = []
        for name in names:
            epochs = sorted(self._points[name])
            curves.append(
                Curve(SERIES_NAMES.get(name, name), epochs, [self._points[name][e].validation for e in epochs])
            )
        planned = max((p.epochs for points in self._points.values() for p in points.values()), default=2)
        self.query_one(LineChart).show(curves, (1, max(planned, 2)))
        if self._newest is not None:
            self.query_one(".numbers", Static).update(numbers(self._newest))


def numbers(point: EpochPoint) -> str:
    """Returns an epoch in two lines: how good the model is, and how the training goes on."""
    good = [
        f"{SERIES_NAMES.get(point.series, point.series)}: epoch {point.epoch} of {point.epochs}",
        f"train {point.train:.4g}",
        f"validation {point.validation:.4g}",
        f"best {point.best:.4g}",
    ]
    pace = [f"{point.seconds:.2g} s an epoch"] if point.seconds else []
    if point.patience:
        pace.append(f"stops after {point.patience} more without a gain")
    if point.eta_s >= 1:
        pace.append(f"about {duration(point.eta_s)} left")
    if point.improvement is not None:
        pace.append(f"quality {point.improvement:+.0f} %")
    return "  ".join(good) + "\n" + "  ".join(pace)
