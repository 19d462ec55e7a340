"""Long exports with several values a sample (minimum, maximum and average of each tag at each time).

Every value gets a line of its own under the tag's name and the heading of its column; a column that is called just
"value" is the tag itself. What follows is that of any long export.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from services.ingest.layouts.clock import reads_as_time
from services.ingest.layouts.headings import candidates, squashed
from services.ingest.tables import SourceTable

_PLAIN = frozenset({"value", "val", "wert", "valor", "valeur", "valore", "值", "値", "tagvalue", "realvalue"})
_STATISTIC = re.compile(
    r"^(?:value|val|wert|valor|valeur|valore)?"
    r"(min|max|avg|mean|minimum|maximum|average|mittel|mittelwert|moyenne|promedio|medio|media|mittlerer|first|last"
    r"|std|stddev|stdev|standarddeviation|sum|summe|total|range|median|delta|variance|最小|最大|平均)"
    r"(?:value|val|wert|valor|valeur|valore|值|値)?$"
)
_SPREAD = re.compile(r"min|max|最小|最大")


@dataclass(frozen=True)
class Values:
    """The columns of a table with several values a sample."""

    tag: str
    values: tuple[str, ...]


def several_values(frame: pl.DataFrame) -> Values | None:
    """Returns the columns of tags and values of a table of texts; None where a sample has but one value."""
    values = [n for n in frame.columns if squashed(n) in _PLAIN or _STATISTIC.match(squashed(n))]
    told = sum(bool(_SPREAD.search(squashed(n))) for n in values)
    if len(values) < 2 or not told:
        return None
    rest = [n for n in frame.columns if n not in values]
    time = next((n for n in candidates(rest, "time") if reads_as_time(frame[n])), "")
    tag = next((n for n in candidates(rest, "tag") if n != time and 1 < frame[n].n_unique() <= 0.5 * frame.height), "")
    if not time or not tag or frame.select(time, tag).n_unique() < frame.height:
        return None
    if any(frame[n].str.contains(r"[^\W\d_]").fill_null(False).mean() == 1 for n in values):
        return None
    return Values(tag, tuple(values))


def unfolded(table: SourceTable) -> SourceTable | None:
    """Returns a table of texts with one value a line; None where a sample has but one value."""
    frame = table.frame
    found = several_values(frame) if table.has_header else None
    if found is None:
        return None
    tag, values = found.tag, found.values
    rest = [n for n in frame.columns if n not in values]
    order = pl.int_range(frame.height, eager=True)
    parts = [
        frame.select(
            *(pl.col(n) for n in rest if n != tag),
            (pl.col(tag) if squashed(n) in _PLAIN else pl.col(tag) + f".{n}").alias(tag),
            pl.col(n).alias("value"),
        ).with_columns(order.alias("\0order"))
        for n in values
    ]
    long = pl.concat(parts).sort("\0order", maintain_order=True).drop("\0order")
    repeated = order.repeat_by(len(values)).explode()
    return replace(
        table,
        frame=long,
        row_numbers=table.row_numbers.gather(repeated),
        line_numbers=table.line_numbers.gather(repeated),
    )
