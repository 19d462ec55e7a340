"""Revisions of this stage's operations: raised only when the meaning of an output changes."""

from __future__ import annotations

REVISIONS: dict[str, int] = {"mapping.apply": 5, "mapping.join": 1, "mapping.transform": 1, "mapping.merge": 1}
