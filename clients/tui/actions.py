"""Every action of the terminal client in one table: from it come keys, footer, palette and help.

Keys can be changed by the user (`keys.json` in the client's configuration maps an action's id to a key); the ids never
change. Keys that terminals, shells or text fields already own are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

# Flow control, suspend, interrupt, tmux and screen prefixes, and codes that terminals send for Tab, Enter, Backspace.
RESERVED_KEYS = frozenset([*(f"ctrl+{letter}" for letter in "abszcijmhntw"), "f10", "f11"])
MOST_HINTS = 7


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
    Action("app.jump", "app", "ctrl+o", "jump", "", "Jump to whatever takes the focus, by one letter."),
    Action("app.theme", "app", "f3", "choose_theme", "", "Choose the colours: dark, light or high contrast."),
    Action("home.new", "home", "n", "new_run", "New run", "Start a new run from a file."),
    Action("home.open", "home", "enter", "open_run", "Open", "Open the selected run."),
    Action("home.delete", "home", "d", "delete_run", "Delete", "Hide the selected run; its data stay."),
    Action("home.refresh", "home", "r", "refresh_runs", "Refresh", "Read runs and machines again."),
    Action("upload.preview", "upload", "p", "preview", "Preview", "Show the first rows, or how the file was read."),
    Action("upload.header", "upload", "h", "header_row", "Header row", "Say in which row the column names are."),
    Action(
        "upload.draft", "upload", "f4", "draft_profile", "Draft a profile", "Draft a machine profile from the file."
    ),
    Action("upload.recent", "upload", "f5", "recent", "Recent", "Choose a file or profile that was used before."),
    Action("upload.next", "upload", "greater_than_sign", "page(1)", "", "Show the next rows of the preview."),
    Action("upload.previous", "upload", "less_than_sign", "page(-1)", "", "Show the rows before in the preview."),
    Action("validate.accept", "validate", "space", "accept", "Accept", "Mark the finding as looked at."),
    Action("validate.rows", "validate", "f", "failing_rows", "Bad rows", "Show the rows that could not be read."),
    Action("validate.write", "validate", "w", "write_rejects", "Write them", "Write those rows to a CSV file."),
    Action("validate.errors", "validate", "e", "errors_only", "Errors", "Show only what blocks, or everything."),
    Action("map.pick", "map", "enter", "pick", "Choose", "Choose the sensor, by typing part of its name."),
    Action("map.confirm", "map", "space", "confirm", "Confirm", "Accept the match under the cursor."),
    Action("map.accept", "map", "a", "accept_confident", "Accept all", "Accept every confident match."),
    Action("map.doubtful", "map", "exclamation_mark", "next_doubtful", "Doubtful", "Go to the next doubtful column."),
    Action("map.ignore", "map", "x", "ignore", "", "Leave this column out."),
    Action("map.role", "map", "r", "role", "", "Say what the column is: time, run, RUL or label."),
    Action("map.unit", "map", "i", "unit", "", "Say in which unit the column is."),
    Action("map.undo", "map", "u", "undo", "", "Take the last change back."),
    Action("map.redo", "map", "U", "redo", "", "Do it again."),
    Action("map.templates", "map", "t", "templates", "", "Remember this mapping, or take a remembered one."),
    Action("clean.toggle", "clean", "space", "switch", "On/off", "Carry this cleaning step out, or not."),
    Action("clean.edit", "clean", "enter", "edit", "Edit", "Change the step: longest gap, sigma, columns."),
    Action("clean.up", "clean", "left_square_bracket", "move(-1)", "Earlier", "Move this step up."),
    Action("clean.down", "clean", "right_square_bracket", "move(1)", "Later", "Move this step down."),
    Action("clean.undo", "clean", "u", "undo", "", "Take the last change of the recipe back."),
    Action("clean.save", "clean", "o", "save_recipe", "", "Save the recipe as part of a plan file."),
    Action("merge.choose", "merge", "space,enter", "choose('')", "Choose", "Choose the strategy under the cursor."),
    Action("merge.merge", "merge", "m", "choose('merge')", "", "Train on seed and real rows together."),
    Action("merge.replace", "merge", "r", "choose('replace')", "", "Train on real rows in place of seed rows."),
    Action("merge.real", "merge", "o", "choose('real-only')", "", "Train on the real rows alone."),
    Action("refine.log", "refine", "l", "log_scale", "Log y", "Switch the loss axis between linear and logarithmic."),
    Action("refine.pause", "refine", "p", "pause_chart", "Pause chart", "Hold the picture; training goes on."),
    Action("compare.next", "compare", "right_square_bracket", "view(1)", "View", "Show the next view."),
    Action("compare.previous", "compare", "left_square_bracket", "view(-1)", "", "Show the view before."),
    Action("compare.generate", "compare", "g", "generate", "Generate", "Generate other data sets: rows, condition."),
    Action("compare.export", "compare", "e", "export", "", "Save the comparison's report alone."),
    Action("run.save", "run", "s", "save", "Save data", "Save data sets and report in a folder.", "compared"),
    Action("run.activate", "run", "M", "activate", "Make default", "Make the refined model the default.", "compared"),
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
    Action("run.continue", "run", "ctrl+g", "continue", "Continue", "Do this step and go to the next.", "at rest"),
    Action("run.back", "run", "escape", "back", "", "Go to the step before, or to the list of runs."),
    Action("run.details", "run", "f2", "details", "", "Show the last problem in full, to read or to copy."),
    *(
        Action(f"run.step-{n}", "run", str(n), f"goto({n})", "", f"Show step {n}, {name}.")
        for n, name in enumerate(("Upload", "Validate", "Map", "Clean", "Merge", "Refine", "Compare"), start=1)
    ),
    Action("app.help", "app", "question_mark,f1", "show_help", "Help", "Explain what has the focus, and its keys."),
    Action("app.palette", "app", "ctrl+p", "command_palette", "All", "List every action that is valid here."),
)


def bindings(place: str) -> list[BindingType]:
    """Returns a place's bindings for Textual, in table order."""
    return [
        Binding(a.key, a.method, a.hint or a.help, show=bool(a.hint), id=a.id, tooltip=a.help)
        for a in ACTIONS
        if a.place == place
    ]


def actions_of(*places: str) -> list[Action]:
    """Returns the actions of these places, in table order."""
    return [action for action in ACTIONS if action.place in places]


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
