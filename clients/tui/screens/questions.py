"""What a run asks a person before something that cannot be taken back: stopping, saving, switching the default."""

from __future__ import annotations

from typing import Literal

from textual.app import App

from clients.tui.compared import question
from clients.tui.gateway import Gateway
from clients.tui.modals.dialogs import LinePrompt, Question
from clients.tui.paths import named
from clients.tui.session import Step
from clients.tui.views import Comparison, Problem

_TRAINS = (Step.MERGE, Step.REFINE)


async def how_to_stop(app: App[None], step: Step) -> Literal["keep", "discard", ""]:
    """Returns whether to stop a running step and what becomes of its best result; "" means: let it go on."""
    kept = [("keep", "Stop, keep the best")] if step in _TRAINS else []
    answers = (*kept, ("discard", "Stop, discard"), ("no", "Go on"))
    text = f"Stop {step.title}?" + (" The best model so far can be kept." if kept else "")
    answer = await app.push_screen_wait(Question(text, answers))
    return answer if answer in ("keep", "discard") else ""  # type: ignore[return-value]


async def save_results(app: App[None], gateway: Gateway, machine: str) -> str:
    """Saves data sets and report where the person says; returns what came of it, "" for nothing. Raises Problem."""
    text = await app.push_screen_wait(LinePrompt("Save data sets and report in", f"./{machine}"))
    if not text:
        return ""
    paths = await gateway.save(named(text))
    return f"{len(paths)} files saved in {text}"


async def switch_default(app: App[None], gateway: Gateway, machine: str, found: Comparison | None) -> str:
    """Makes the refined model the default when the person means it, having seen old and new and the gates; returns what
    came of it, "" for nothing. Raises Problem."""
    if found is None:
        raise Problem("There is no comparison yet.", "ctrl+g compares.", "STEP_MISSING")
    found = await gateway.comparison()  # the default may be another one by now
    if found.default == found.model:
        return f"{found.model} is the default of {machine} already."
    text = question(machine, found)
    if await app.push_screen_wait(Question(text, (("yes", "Make default"), ("no", "Leave it")))) != "yes":
        return ""
    return await gateway.activate(found.default)
