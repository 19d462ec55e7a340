"""Meaning of each operation's output, by name: raised only when that changes."""

REVISIONS = {
    "refine.seed": 2,
    "refine.train": 4,
    "refine.refine": 4,
    "refine.sample": 3,
    "refine.augment": 5,
}
