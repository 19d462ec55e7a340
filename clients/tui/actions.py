"""Every action of the terminal client in one table: from it come keys, footer, palette and help.

Keys can be changed by the user (`keys` in the client's configuration maps an action's id to a key); the ids never
change. Keys that terminals, shells or text fields already own are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

# Flow control, suspend, interrupt, tmux and screen prefixes, and codes that terminals send for Tab, Enter, Backspace.
RESERVED_KEYS = frozenset([*(f"ctrl+{letter}" for letter in "abszcijmhntw"), "f10", "f11"])


@dataclass(frozen=True)
class Action:
    """`id` is stable; `place` is where it is valid; `key` one key or several with commas; `method` the Textual action;
    `hint` its word in the footer (empty: not shown there); `help` one sentence; `when` a step must be at rest,
    running, training or compared for it."""

    id: str
    place: str
    key: str
    method: str
    hint: str
    help: str
    when: Literal["", "at rest", "running", "training", "compared"] = ""


ACTIONS: tuple[Action, ...] = (
    Action("app.quit", "app", "ctrl+q", "quit", "", "Leave; running jobs go on and can be watched again."),
    Action("app.help", "app", "question_mark", "show_help", "Help", "Explain the keys of what has the focus."),
    Action("home.new", "home", "n", "new_run", "New run", "Start a new run from a file."),
    Action("home.open", "home", "enter", "open_run", "Open", "Open the selected run."),
    Action("home.delete", "home", "d", "delete_run", "Delete", "Hide the selected run; its data stay."),
    Action("home.refresh", "home", "r", "refresh_runs", "Refresh", "Read runs and machines again."),
    Action("run.save", "run", "s", "save", "Save data", "Save data sets and report in a folder.", "compared"),
    Action("run.activate", "run", "M", "activate", "Make default", "Make the refined model the default.", "compared"),
    Action("run.continue", "run", "ctrl+g", "continue", "Continue", "Do this step and go to the next.", "at rest"),
    Action(
        "run.cancel",
        "run",
        "k",
        "cancel_job",
        "Cancel",
        "Stop what is running; keep the best of a training, or nothing.",
        "running",
    ),
    Action("run.detach", "run", "D", "detach", "Detach", "Leave it running and go to the list of runs.", "training"),
    Action("run.back", "run", "escape", "back", "Back", "Go to the step before, or to the list of runs."),
    *(
        Action(f"run.step-{n}", "run", str(n), f"goto({n})", "", f"Show step {n}, {name}.")
        for n, name in enumerate(("Upload", "Validate", "Map", "Clean", "Merge", "Refine", "Compare"), start=1)
    ),
    Action("upload.preview", "upload", "p", "preview", "Preview", "Show the first rows as they were read."),
    Action("validate.errors", "validate", "e", "errors_only", "Errors", "Show only what blocks, or everything."),
    Action("map.accept", "map", "a", "accept_confident", "Accept", "Accept every confident match."),
    Action("map.confirm", "map", "space", "confirm", "Confirm", "Accept the match under the cursor."),
    Action("map.pick", "map", "enter", "pick", "Choose", "Choose the sensor, by typing part of its name."),
    Action("map.ignore", "map", "x", "ignore", "", "Leave this column out."),
    Action("map.doubtful", "map", "exclamation_mark", "next_doubtful", "Doubtful", "Go to the next doubtful column."),
    Action("map.role", "map", "r", "role", "", "Say what the column is: time, run, RUL or label."),
    Action("map.undo", "map", "u", "undo", "", "Take the last change back."),
    Action("map.redo", "map", "U", "redo", "", "Do it again."),
    Action("clean.toggle", "clean", "space,enter", "switch", "On/off", "Carry this cleaning step out, or not."),
    Action("clean.up", "clean", "left_square_bracket", "move(-1)", "Earlier", "Move this step up."),
    Action("clean.down", "clean", "right_square_bracket", "move(1)", "Later", "Move this step down."),
    Action("merge.choose", "merge", "space,enter", "choose('')", "Choose", "Choose the strategy under the cursor."),
    Action("merge.merge", "merge", "m", "choose('merge')", "", "Train on seed and real rows together."),
    Action("merge.replace", "merge", "r", "choose('replace')", "", "Train on real rows in place of seed rows."),
    Action("merge.real", "merge", "o", "choose('real-only')", "", "Train on the real rows alone."),
    Action("refine.log", "refine", "l", "log_scale", "Log y", "Switch the loss axis between linear and logarithmic."),
    Action("refine.pause", "refine", "p", "pause_chart", "Pause chart", "Hold the picture; training goes on."),
    Action("compare.next", "compare", "right_square_bracket", "view(1)", "View", "Show the next view."),
    Action("compare.previous", "compare", "left_square_bracket", "view(-1)", "", "Show the view before."),
)


def bindings(place: str) -> list[BindingType]:
    """Returns a place's bindings for Textual, in table order."""
    return [
        Binding(a.key, a.method, a.hint or a.help, show=bool(a.hint), id=a.id, tooltip=a.help)
        for a in ACTIONS
        if a.place == place
    ]


def keymap(changed: Mapping[str, str]) -> dict[str, str]:
    """Returns a user's key changes for Textual. Raises ValueError for an unknown id, a reserved key, or one key for two
    actions that are valid at the same time."""
    known = {action.id for action in ACTIONS}
    for identifier, key in changed.items():
        if identifier not in known:
            raise ValueError(f"there is no action {identifier!r}; known are {', '.join(sorted(known))}")
        reserved = [one for one in key.split(",") if one.lower() in RESERVED_KEYS]
        if reserved:
            raise ValueError(f"{reserved[0]!r} for {identifier!r} belongs to the terminal; choose another key")
    for together in _valid_together():
        taken: dict[str, str] = {}
        for action in together:
            for key in changed.get(action.id, action.key).split(","):
                other = taken.setdefault(key, action.id)
                if other != action.id:
                    raise ValueError(f"{key!r} would mean both {other!r} and {action.id!r}; change one of them")
    return dict(changed)


def _valid_together() -> list[list[Action]]:
    panes = {action.place for action in ACTIONS} - {"app", "home", "run"}
    places = [{"app", "home"}, *({"app", "run", pane} for pane in panes)]
    return [[action for action in ACTIONS if action.place in valid] for valid in places]
