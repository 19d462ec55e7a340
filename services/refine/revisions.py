"""Meaning of each operation's output, by name: raised only when that changes."""

REVISIONS = {
    "refine.seed": 2,
    "refine.train": 3,
    "refine.refine": 3,
    "refine.sample": 2,
    "refine.augment": 4,
}
