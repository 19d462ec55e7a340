"""Meaning of each operation's output, by name: raised only when that changes."""

REVISIONS = {
    "refine.seed": 1,
    "refine.train": 1,
    "refine.refine": 1,
    "refine.sample": 1,
    "refine.augment": 2,
}
