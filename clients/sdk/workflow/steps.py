"""The steps of a run, in order, and what a person calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clients.sdk.plan import Plan

StepName = Literal[
    "upload",
    "validate",
    "map",
    "clean",
    "transform",
    "seed",
    "train",
    "merge",
    "refine",
    "augment",
    "compare",
    "activate",
]

STEPS: tuple[StepName, ...] = (
    "upload",
    "validate",
    "map",
    "clean",
    "transform",
    "seed",
    "train",
    "merge",
    "refine",
    "augment",
    "compare",
    "activate",
)

TITLES: Mapping[StepName, str] = {
    "upload": "Upload and read the files",
    "validate": "Check the rows",
    "map": "Map columns to sensors",
    "clean": "Clean the rows",
    "transform": "Add remaining life and split",
    "seed": "Make seed rows",
    "train": "Train the first model",
    "merge": "Choose the rows to train on",
    "refine": "Refine the model",
    "augment": "Generate data sets",
    "compare": "Compare with held-out real rows",
    "activate": "Make the model the default",
}

# The choices that a person takes back and changes while a run is open, by the step that carries them out. Seeding and
# training are not listed: the model that a run started from is pinned, whatever a later refinement is told.
_CHOICES: Mapping[StepName, tuple[str, ...]] = {
    "map": ("mapping", "auto_map", "timestamp_column", "rul_column", "run_column", "time_format", "align", "join"),
    "clean": ("cleaning",),
    "transform": ("life", "split"),
    "merge": ("strategy", "balance_rul"),
    "refine": ("training", "epochs"),
    "augment": ("rows", "where", "mix_real", "oversample", "share"),
    "compare": ("gates", "every_sensor"),
}


def step_choices(plan: Plan, step: StepName) -> dict[str, Any]:
    """Returns what the plan says to a step, as JSON values without what is at its default, by the plan's fields; for a
    step without choices of its own, nothing."""
    names = _CHOICES.get(step)
    if names is None:
        return {}
    values = plan.to_json()
    return {"of": step, **{name: values[name] for name in names if name in values}}
