"""Revisions of this stage's operations: raised only when the meaning of an output changes."""

from __future__ import annotations

REVISIONS: dict[str, int] = {"ingest.parse": 7, "ingest.validate": 2, "ingest.clean": 2}
