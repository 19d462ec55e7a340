"""Step 5: which rows train the model."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import RadioButton, RadioSet, Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.panes.base import Pane
from clients.tui.session import Step

_STRATEGIES = {
    "real-only": "Real only: your rows alone; training starts from the default model",
    "replace": "Replace: your rows in place of the seed rows (needs 5,000 or more)",
    "merge": "Merge: seed and real rows together, told apart by the model",
}


class MergePane(Pane):
    """Three strategies; the first is right unless there is a reason."""

    step = Step.MERGE
    onward = True
    BINDINGS = bindings("merge")

    def __init__(self) -> None:
        super().__init__(id="pane-5")

    def compose(self) -> ComposeResult:
        """Shows the strategies."""
        yield Static("Which rows shall train the model? Test rows are held out whatever you choose.")
        with RadioSet(id="strategy"):
            for number, (key, words) in enumerate(_STRATEGIES.items()):
                yield RadioButton(words, value=number == 0, id=key)
        yield Static("A machine without a model gets its first one here, from seed rows.", classes="faint")

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the strategy."""
        pressed = self.query_one(RadioSet).pressed_button
        await gateway.choose_strategy((pressed.id if pressed else None) or "real-only")

    def action_choose(self, strategy: str) -> None:
        """Chooses a strategy by its key."""
        self.query_one(f"#{strategy}", RadioButton).value = True

    def on_radio_set_changed(self) -> None:
        """What rests on another choice is stale."""
        self.post_message(Edited(Step.MERGE))
