"""Elapsed times with days: `0 days 00:15:00` (pandas), `1 day, 2:15:00` (Python), `1d 02:15:00`, `P1DT2H15M`."""

from __future__ import annotations

import re

import polars as pl

from services.ingest.values.number_cells import NUMBER_SHARE, even_sample

_DAYS = r"^([+-]?)(\d{1,6}) ?(?:days?|d),?(?: ([+-]?)(\d{1,2}):(\d{2}):(\d{2}(?:[.,]\d{1,9})?))?$"
_CLOCK = r"^([+-]?)()()(\d{1,4}):(\d{2}):(\d{2}(?:[.,]\d{1,9})?)$"
_ISO = r"^([+-]?)P(?:(\d{1,6})D)?()(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:[.,]\d{1,9})?)S)?)?$"
_TOLD = r"^[+-]?(?:\d+ ?d(?:ays?)?,? [+-]?\d+:|P(?:\d+D)?T\d+(?:\.\d+)?[HMS])"
"""What "5 d", a number with its unit, and "P1D", a name, have not."""
_SAYS_ELAPSED = re.compile(
    r"elapsed|duration|relative ?time|rel ?time|(?:test|step|cycle|total|run)[ _]?time|verstrichen|dauer|écoulé"
    r"|durée|transcurrido|duración|trascorso|durata|decorrido|duração|经过|历时|运行时间",
    re.I,
)
_SAMPLE = 1000


def elapsed_seconds(texts: pl.Series) -> pl.Series | None:
    """Returns elapsed times in seconds, null where a cell is none; None where too few cells are.

    Times of day are elapsed times only beside others that have days, and under a heading that says so.
    "-1 days +23:00:00" is an hour below zero.
    """
    sample = even_sample(texts, _SAMPLE).drop_nulls()
    if _SAYS_ELAPSED.search(texts.name) and sample.str.contains(_CLOCK).sum() >= NUMBER_SHARE * len(sample):
        found = pl.DataFrame({"text": texts}).select(_seconds(_CLOCK).alias(texts.name)).to_series()
        return found if found.count() >= NUMBER_SHARE * texts.count() else None
    if not sample.str.contains(_TOLD).any():
        return None
    for further in (_DAYS, _ISO):
        kinds = (further, _CLOCK) if further == _DAYS else (further,)
        read = sample.str.contains("|".join(kinds))
        if sample.str.contains(further).any() and read.sum() >= NUMBER_SHARE * len(sample):
            seconds = [_seconds(further)] + ([_seconds(_CLOCK)] if further == _DAYS else [])
            found = pl.DataFrame({"text": texts}).select(pl.coalesce(seconds).alias(texts.name)).to_series()
            return found if found.count() >= NUMBER_SHARE * texts.count() else None
    return None


def elapsed_texts(texts: pl.Series, decimal: str) -> pl.Series | None:
    """Returns elapsed times as numbers of seconds in words, other cells as they are; None where too few cells are."""
    if (seconds := elapsed_seconds(texts)) is None:
        return None
    written = seconds.cast(pl.String).str.replace(".", "," if decimal == "," else ".", literal=True)
    return pl.select(pl.coalesce(written, texts)).to_series().alias(texts.name)


def _seconds(pattern: str) -> pl.Expr:
    """Returns the seconds of the texts of a pattern of sign, days, sign of the clock, hours, minutes, seconds."""
    text = pl.col("text")

    def part(group: int) -> pl.Expr:
        digits = text.str.extract(pattern, group).str.replace(",", ".", literal=True)
        return digits.cast(pl.Float64, strict=False).fill_null(0.0)

    below = text.str.extract(pattern, 1) == "-"
    clock = part(4) * 3600 + part(5) * 60 + part(6)
    days = part(2) * 86_400
    # The clock behind negative days is added in pandas and Python; elsewhere one sign is that of the whole.
    added = (text.str.extract(pattern, 3) == "+") | text.str.contains("day")
    signed = pl.when(below & added).then(clock - days).when(below).then(-days - clock).otherwise(days + clock)
    return pl.when(text.str.contains(pattern) & text.str.contains(r"\d")).then(signed)
