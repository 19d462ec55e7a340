"""Meaning of each operation's output, by name: raised only when that changes."""

REVISIONS = {
    "refine.seed": 2,
    "refine.train": 5,
    "refine.refine": 5,
    "refine.sample": 4,
    "refine.augment": 6,
}
