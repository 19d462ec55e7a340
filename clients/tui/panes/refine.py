"""Step 6: the training, live. It starts with one key on good defaults."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Checkbox, Collapsible, Input, Select

from clients.tui.actions import bindings
from clients.tui.charts import LineChart
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.training import TrainingPicture
from clients.tui.views import Choices, EpochPoint, Problem, Report
from clients.tui.widgets import Field

_HINT = "ctrl+g starts the refinement on good defaults; Advanced changes them."


class RefinePane(Pane, can_focus=True):
    """A line a training: validation loss of the original and of the refinement, and of the one from scratch."""

    step = Step.REFINE
    BINDINGS = bindings("refine")

    def __init__(self) -> None:
        super().__init__(id="pane-6")

    def compose(self) -> ComposeResult:
        """Shows the choices, the numbers and the chart."""
        with Collapsible(title="Advanced (good defaults are chosen on validation)", id="advanced"):
            with Horizontal(classes="fields"):
                engines = Select([("flow", "flow"), ("tvae", "tvae")], prompt="chosen", id="engine", compact=True)
                yield Field("engine", engines)
                yield Field("epochs", Input(placeholder="chosen", type="integer", id="epochs", compact=True))
            with Horizontal(classes="fields"):
                yield Field("rate", Input(placeholder="chosen", type="number", id="rate", compact=True))
                yield Field("patience", Input(placeholder="10", type="integer", id="patience", compact=True))
            with Horizontal(classes="fields"):
                yield Field("encoder", Checkbox("trained, too", id="freeze", compact=True))
        yield TrainingPicture(_HINT, id="losses")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what the run was told, and the trainings that are finished."""
        told = await gateway.choices()
        with self.prevent(Input.Changed, Select.Changed, Checkbox.Changed):
            self.query_one("#engine", Select).value = told.engine or Select.NULL
            for field, value in (("epochs", told.epochs), ("rate", told.learning_rate), ("patience", told.patience)):
                self.query_one(f"#{field}", Input).value = f"{value:g}" if value else ""
            self._freeze(told.freeze_encoder)
        self.query_one(TrainingPicture).recall(await gateway.curves())

    async def commit(self, gateway: Gateway) -> None:
        """Fixes how to train. Raises views.Problem naming the field that is no number."""
        engine = self.query_one("#engine", Select).value
        await gateway.choose_training(
            Choices(
                engine=engine if isinstance(engine, str) else "",
                epochs=int(self._number("epochs")),
                learning_rate=self._number("rate"),
                patience=int(self._number("patience")),
                freeze_encoder=self.query_one("#freeze", Checkbox).value,
            )
        )
        self.query_one(TrainingPicture).start_over()

    def _number(self, field: str) -> float:
        text = self.query_one(f"#{field}", Input).value.strip()
        try:
            value = float(text) if text else 0.0
        except ValueError:
            value = -1.0
        if value < 0:
            raise Problem(f"{field}: {text!r} is not a number above zero.", "Correct it or leave it empty.")
        return value

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """What was trained otherwise is stale."""
        self._freeze(event.value)
        self.post_message(Edited(Step.REFINE))

    def on_input_changed(self) -> None:
        """What was trained otherwise is stale."""
        self.post_message(Edited(Step.REFINE))

    def on_select_changed(self) -> None:
        """What was trained otherwise is stale."""
        self.post_message(Edited(Step.REFINE))

    def _freeze(self, frozen: bool) -> None:
        box = self.query_one("#freeze", Checkbox)
        box.value = frozen
        box.label = "frozen" if frozen else "trained, too"  # in words what the mark says

    def report(self, report: Report) -> None:
        """Takes an epoch in."""
        if isinstance(report, EpochPoint):
            self.query_one(TrainingPicture).take([report])

    def focus_first(self) -> None:
        """Takes the focus itself, for its keys; the fields are rarely needed."""
        self.focus()

    def action_log_scale(self) -> None:
        """Switches the loss axis."""
        chart = self.query_one(LineChart)
        chart.log_y = not chart.log_y

    def action_pause_chart(self) -> None:
        """Holds the picture, or lets it go on."""
        self.query_one(TrainingPicture).hold()
