"""Whether a record at the end of a table is a remark or a summary rather than a row."""

from __future__ import annotations

import re

from services.ingest.cells import is_measured, kind_of
from services.ingest.dialect import Dialect, looks_like_data

FOOTER_LINES = 40
"""So many lines at the end are looked at."""

_SUMMARY = re.compile(
    r"^(average|avg|mean|min(imum)?|max(imum)?|sum|total|std(ev)?|count|end of|page \d|printed|exported|generated|"
    r"mittelwert|summe|durchschnitt|ende|seite|moyenne|somme|media|promedio)\b",
    re.I,
)


def is_footer(cells: list[str], dialect: Dialect) -> bool:
    """Returns whether a filled record at the end is a remark or a summary rather than a row."""
    filled = [c for c in cells if c.strip()]
    if _SUMMARY.match(filled[0].strip()):
        return True
    if all(kind_of(c) == "token" for c in filled) or looks_like_data(cells, dialect.measured):
        return False
    if any(is_measured(kind_of(c)) for c, m in zip(cells, dialect.measured, strict=False) if m):
        return False
    return dialect.width > 1 and (len(cells) < dialect.width / 2 or (len(filled) == 1 and dialect.width > 2))
