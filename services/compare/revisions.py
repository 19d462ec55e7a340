"""The current revision of each operation. Raised only when the meaning of its output changes."""

from __future__ import annotations

from collections.abc import Mapping

REVISIONS: Mapping[str, int] = {"compare.compare": 4}
