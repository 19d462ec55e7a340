"""Whether a record at the end of a table is a remark or a summary rather than a row."""

from __future__ import annotations

import re

from services.ingest.headings.header import is_unit
from services.ingest.text.dialect import Dialect, looks_like_data
from services.ingest.values.cells import is_measured, kind_of

FOOTER_LINES = 40
"""So many lines at the end are looked at."""

_SUMMARY = re.compile(
    r"^(grand total|sub ?total|averages?|avg\.?|mean|median|min\.?(imum)?|max\.?(imum)?|sums?|totals?|"
    r"std\.?(ev|\.? ?dev)?|standard dev|range|rms|count|end of|page \d|printed|exported|generated|"
    r"mittel(wert)?|summe|gesamt|durchschnitt|anzahl|standardabw|ende|seite|erstellt|moyenne|somme|écart[ -]type|total|"
    r"nombre|media|mínimo|minimo|máximo|massimo|promedio|suma|somma|média|gemiddelde|totaal|średnia|"
    r"среднее|минимум|максимум|итого|сумма|平均|最大|最小|合計|合计|总计|总和|标准差)(\b|(?<=[\u3040-\u9fff]))",
    re.I,
)


def is_footer(cells: list[str], dialect: Dialect) -> bool:
    """Returns whether a filled record at the end is a remark or a summary rather than a row."""
    filled = [c for c in cells if c.strip()]
    if _labels_a_summary(cells, dialect):
        return True
    if _SUMMARY.match(filled[0].strip()) and not _is_sample(cells, dialect):
        return True
    if all(kind_of(c) == "token" for c in filled) or looks_like_data(cells, dialect.measured):
        return False
    if any(is_measured(kind_of(c)) for c, m in zip(cells, dialect.measured, strict=False) if m):
        return False
    if len(filled) > 1 and all(map(is_unit, filled)):
        # Some exports write the units under the table.
        return True
    return dialect.width > 1 and (len(cells) < dialect.width / 2 or (len(filled) == 1 and dialect.width > 2))


def _labels_a_summary(cells: list[str], dialect: Dialect) -> bool:
    """Returns whether a word stands where the rows have their times, as "% RSD" or "Fläche" before a summary."""
    at = dialect.timed.index(True) if True in dialect.timed else len(cells)
    return at < len(cells) and kind_of(cells[at]) == "text" and not any(c.isdigit() for c in cells[at])


def _is_sample(cells: list[str], dialect: Dialect) -> bool:
    """Returns whether a record is a row of a table whose first column names things: "Max Temp" may be a tag."""
    if dialect.measured[0]:
        return False
    label = cells[0].strip().rstrip(":.")
    match = _SUMMARY.match(label)
    return any(kind_of(c) == "time" for c in cells[1:]) or (match is not None and match.end() < len(label))
