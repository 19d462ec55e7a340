"""Step 6: the training, live. It starts with one key on good defaults."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Checkbox, Collapsible, Input, Select

from clients.tui.actions import bindings
from clients.tui.charts import LineChart
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.training import TrainingPicture
from clients.tui.views import Advance, Choices, EpochPoint, Notice, Problem, Report
from clients.tui.widgets import Field

_HINT = "ctrl+g starts the refinement on good defaults; Advanced changes them."
_BASES = [("the default model", "default"), ("none: from scratch", "none")]
_STRATEGIES = [("real only", "real-only"), ("replace", "replace"), ("merge", "merge")]
# Field, what the service calls it, whether it is a whole number.
_NUMBERS = {"epochs": True, "rate": False, "batch": True, "patience": True}


class RefinePane(Pane, can_focus=True):
    """A line a training: validation loss of the original and of the refinement, and of the one from scratch."""

    step = Step.REFINE
    BINDINGS = bindings("refine")
    HELP = (
        "The model learns your rows. The lower the validation loss, the likelier the model finds real rows that it was "
        "not fitted on. Training stops by itself when nothing is gained any more; the best epoch is kept."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-6")
        self._phase = ""
        self._known: Choices | None = None

    def compose(self) -> ComposeResult:
        """Shows the choices, the numbers, the chart and what was told."""
        with Collapsible(title="Advanced (good defaults are chosen on validation)", id="advanced"):
            with Horizontal(classes="fields"):
                engines = Select([("flow", "flow"), ("tvae", "tvae")], prompt="chosen", id="engine", compact=True)
                yield Field("engine", engines)
                yield Field("epochs", Input(placeholder="chosen", type="integer", id="epochs", compact=True))
            with Horizontal(classes="fields"):
                yield Field("base", Select(_BASES, allow_blank=False, id="base", compact=True))
                yield Field("rate", Input(placeholder="chosen", type="number", id="rate", compact=True))
            with Horizontal(classes="fields"):
                yield Field("rows", Select(_STRATEGIES, allow_blank=False, id="strategy", compact=True))
                yield Field("batch", Input(placeholder="chosen", type="integer", id="batch", compact=True))
            with Horizontal(classes="fields"):
                yield Field("encoder", Checkbox("trained, too", id="freeze", compact=True))
                yield Field("patience", Input(placeholder="10", type="integer", id="patience", compact=True))
        yield TrainingPicture(_HINT, told=True, id="losses")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what the run was told, and the trainings that are finished."""
        edits = self.edits
        told, models = await gateway.choices(), await gateway.models()
        if edits == self.edits:
            self._fill(told, models)
        picture = self.query_one(TrainingPicture)
        picture.recall(await gateway.curves())
        if done:
            for words in await gateway.training_words():
                picture.tell(words, dated=False)

    def _fill(self, told: Choices, models: Sequence[tuple[str, str]]) -> None:
        with self.prevent(Input.Changed, Select.Changed, Checkbox.Changed):
            self.query_one("#engine", Select).value = told.engine or Select.NULL
            bases = [*_BASES, *((words, name) for name, words in models)]
            if told.base not in {name for _, name in bases}:
                bases.append((told.base, told.base))
            self.query_one("#base", Select).set_options(bases)
            self.query_one("#base", Select).value = told.base
            self.query_one("#strategy", Select).value = told.strategy or "real-only"
            values = (told.epochs, told.learning_rate, told.batch_size, told.patience)
            for field, value in zip(_NUMBERS, values, strict=True):
                self.query_one(f"#{field}", Input).value = f"{value:g}" if value else ""
            self._freeze(told.freeze_encoder)
        self._known = self._told()

    async def commit(self, gateway: Gateway) -> None:
        """Fixes how to train. Raises views.Problem naming the field that is no number."""
        await gateway.choose_training(self._told())
        self._phase = ""
        self.query_one(TrainingPicture).start_over()

    async def keep(self, gateway: Gateway) -> None:
        """Keeps how to train, once every field holds a number."""
        try:
            told = self._told()
        except Problem:
            return  # half a number is no decision
        await gateway.choose_training(told)

    def _told(self) -> Choices:
        engine = self.query_one("#engine", Select).value
        epochs, rate, batch, patience = (self._number(field, whole=whole) for field, whole in _NUMBERS.items())
        return Choices(
            engine=engine if isinstance(engine, str) else "",
            strategy=str(self.query_one("#strategy", Select).value),
            base=str(self.query_one("#base", Select).value),
            epochs=int(epochs),
            learning_rate=rate,
            batch_size=int(batch),
            patience=int(patience),
            freeze_encoder=self.query_one("#freeze", Checkbox).value,
        )

    def _number(self, field: str, *, whole: bool) -> float:
        text = self.query_one(f"#{field}", Input).value.strip()
        try:
            value = float(text) if text else 0.0
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e9 or (whole and value != int(value)):
            kind = "whole number" if whole else "number"
            raise Problem(f"{field}: {text!r} is not a {kind} above zero.", "Correct it or leave it empty.")
        return value

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """What was trained otherwise is stale."""
        self._freeze(event.value)
        self._edited()

    def on_input_changed(self) -> None:
        """What was trained otherwise is stale."""
        self._edited()

    def on_select_changed(self) -> None:
        """What was trained otherwise is stale."""
        self._edited()

    def _edited(self) -> None:
        try:
            told: Choices | None = self._told()
        except Problem:
            told = None  # half a number: other than what is known in any case
        if self._known is not None and told != self._known:
            self._known = told or Choices(epochs=-1)
            self.edited()

    def _freeze(self, frozen: bool) -> None:
        box = self.query_one("#freeze", Checkbox)
        box.value = frozen
        box.label = "frozen" if frozen else "trained, too"  # in words what the mark says

    def report(self, report: Report) -> None:
        """Takes an epoch in, and what else is told of the training."""
        picture = self.query_one(TrainingPicture)
        if isinstance(report, EpochPoint):
            picture.take([report])
        elif not self.display:
            pass  # another step's words
        elif isinstance(report, Notice) and not report.link:
            picture.tell(report.text)
        elif isinstance(report, Advance) and report.phase != self._phase:
            self._phase = report.phase
            picture.tell(report.phase)

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
