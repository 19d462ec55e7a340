"""Step 6: the training, live. It starts with one key on good defaults."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Checkbox, Collapsible, Input, Label, Select, Static

from clients.tui.actions import bindings
from clients.tui.charts import LineChart
from clients.tui.gateway import Gateway, Training
from clients.tui.panes.base import Pane
from clients.tui.plotting import Curve
from clients.tui.session import Step
from clients.tui.views import EpochPoint, Problem, Report
from clients.tui.widgets import duration

_NAMES = {"seed": "original", "refined": "refinement", "scratch": "from scratch"}
_REPAINT_S = 0.1


class RefinePane(Pane, can_focus=True):
    """Two lines an engine: validation loss of the original training and of the refinement."""

    step = Step.REFINE
    BINDINGS = bindings("refine")

    def __init__(self) -> None:
        super().__init__(id="pane-6")
        self._points: dict[str, dict[int, EpochPoint]] = {}
        self._newest: EpochPoint | None = None
        self._dirty = False
        self._paused = False

    def compose(self) -> ComposeResult:
        """Shows the choices, the numbers and the chart."""
        with Collapsible(title="Advanced (good defaults are chosen on validation)", id="advanced"):
            with Horizontal(classes="fields"):
                yield Label("engine")
                yield Select([("flow", "flow"), ("tvae", "tvae")], prompt="chosen", id="engine")
                yield Label("epochs")
                yield Input(placeholder="chosen", type="integer", id="epochs")
            with Horizontal(classes="fields"):
                yield Label("rate")
                yield Input(placeholder="chosen", type="number", id="rate")
                yield Label("patience")
                yield Input(placeholder="10", type="integer", id="patience")
                yield Checkbox("freeze encoder", id="freeze")
        yield Static("ctrl+g starts the refinement.", id="numbers", markup=False)
        yield LineChart(x_label="epoch", id="losses")

    def on_mount(self) -> None:
        """Paints at most ten times a second, from a flag."""
        self.set_interval(_REPAINT_S, self._repaint)

    async def commit(self, gateway: Gateway) -> None:
        """Fixes how to train. Raises views.Problem naming the field that is no number."""
        engine = self.query_one("#engine", Select).value
        await gateway.choose_training(
            Training(
                engine=engine if isinstance(engine, str) else "",
                epochs=int(self._number("epochs")),
                learning_rate=self._number("rate"),
                patience=int(self._number("patience")),
                freeze_encoder=self.query_one("#freeze", Checkbox).value,
            )
        )
        self._points.clear()
        self._newest = None

    def _number(self, field: str) -> float:
        text = self.query_one(f"#{field}", Input).value.strip()
        try:
            value = float(text) if text else 0.0
        except ValueError:
            value = -1.0
        if value < 0:
            raise Problem(f"{field}: {text!r} is not a number above zero.", "Correct it or leave it empty.")
        return value

    def report(self, report: Report) -> None:
        """Takes an epoch in; the painter shows it when its time comes."""
        if isinstance(report, EpochPoint):
            self._points.setdefault(report.series, {})[report.epoch] = report
            self._newest = report
            self._dirty = True

    def focus_first(self) -> None:
        """Takes the focus itself, for its keys; the fields are rarely needed."""
        self.focus()

    def action_log_scale(self) -> None:
        """Switches the loss axis."""
        chart = self.query_one(LineChart)
        chart.log_y = not chart.log_y

    def action_pause_chart(self) -> None:
        """Holds the picture, or lets it go on."""
        self._paused = not self._paused
        self._dirty = True

    def _repaint(self) -> None:
        if not self._dirty or self._paused or self._newest is None:
            return
        self._dirty = False
        newest = self._newest
        curves = [
            Curve(_NAMES.get(name, name), sorted(points), [points[e].validation for e in sorted(points)])
            for name, points in self._points.items()
        ]
        planned = max(max(p.epochs for p in points.values()) for points in self._points.values())
        self.query_one(LineChart).show(curves, (1, max(planned, 2)))
        parts = [
            f"{_NAMES.get(newest.series, newest.series)}: epoch {newest.epoch}/{newest.epochs}",
            f"train {newest.train:.4g}",
            f"validation {newest.validation:.4g}",
            f"best {newest.best:.4g}",
            f"{newest.seconds:.2g} s/epoch",
        ]
        if newest.patience:
            parts.append(f"patience {newest.patience}")
        if newest.eta_s >= 1:
            parts.append(f"about {duration(newest.eta_s)} left")
        if newest.improvement is not None:
            parts.append(f"quality {newest.improvement:+.0f} %")
        self.query_one("#numbers", Static).update("  ".join(parts))
