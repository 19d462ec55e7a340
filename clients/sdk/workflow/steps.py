"""The steps of a run, in order, and what a person calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

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
