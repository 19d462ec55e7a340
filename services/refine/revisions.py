"""Meaning of each operation's output, by name: raised only when that changes."""

REVISIONS = {
    "refine.seed": 2,
    "refine.train": 6,
    "refine.refine": 6,
    "refine.sample": 4,
    "refine.augment": 7,
}
