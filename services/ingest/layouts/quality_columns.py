"""Which columns of a wide table tell what the samples of other columns are worth.

By their headings: a tag with a word for quality, in front of it or behind. By their place: right behind each value,
behind all values, under a repeated tag. And by what they hold: a status of a machine is no quality.
"""

from __future__ import annotations

import re

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.layouts.clock import trimmed
from services.ingest.layouts.headings import STATES_TIER, names_role, tier
from services.ingest.layouts.quality import BAD_LETTERS, is_status_flags
from services.ingest.layouts.quality_pairs import Pair
from services.ingest.layouts.quality_words import (
    has_good_word,
    is_fault_word,
    is_good_word,
    is_quality_word,
    is_station_status,
    says_bad,
)
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable

_SEPARATOR = re.compile(r"[\s._:/\-\[(]+|(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[!-~])(?=[\u3040-\u9fff\uac00-\ud7af])")
_STATUS_PARTS = re.compile(r"^(.*?)[._]status_?code[._](?:code|symbol)$|^(.*?)[._]status[._](?:code|symbol)$", re.I)
_QUALITY_FIRST = re.compile(r"^([^\W\d_]+)[\s._:/\-\[(]+(.+?)[\])]?$")
_SHORT_WORDS = ("qual", "opc quality", "good", "qd", "st", "sts")
_VALUE_WORDS = ("value", "val", "v", "cv", "numericvalue", "wert", "valeur", "valor")
_COUNTS_ROWS = re.compile(r"(^|[\W_])(id|ndx|index|row|rowid|no|nr)$", re.I)
_MOST_STATES = 16
_SAYS_QUALITY = re.compile(r"^(good|bad|uncertain|ok|invalid|gut|schlecht|bonne|0x|16#)", re.I)
_OPC_QUALITY = re.compile(r"^(192|216|good.*|bad.*|uncertain.*)$", re.I)
_SURELY_QUALITY = re.compile(
    r"^(192|216|0x[0-9a-f]+|16#[0-9a-f]+|ok ?\(0x.*|good.*[(\[,_].*|bad.*[(\[,_].*|uncertain.*)$", re.I
)
_CODES = re.compile(
    r"^(good.*|bad.*|uncertain.*|ok|valid|invalid|true|false|gut|schlecht|unsicher|bon(ne)?|mauvaise?|[gbu]"
    r"|(0x|16#)[0-9a-f]+"
    r"|-?\d{1,10}%?( .*)?|[a-z ,_-]+[\[(](value=)?\d+[\])])$",
    re.I,
)


def _parts(name: str) -> list[tuple[str, str]]:
    """Returns every way to part a heading into a tag and a last word."""
    return [(name[: m.start()], name[m.end() :].rstrip("])")) for m in _SEPARATOR.finditer(name) if m.start() > 0]


def tag_of(name: str, words: tuple[str, ...]) -> str:
    """Returns the tag before one of the words, "" when a heading does not end with one."""
    return next((base for base, last in _parts(name) if re.sub(r"[\W_]", "", last.lower()) in words), "")


def _quality_tag(name: str) -> str:
    if match := _STATUS_PARTS.match(name):
        return match[1] or match[2]
    for base, last in _parts(name):
        if names_role(last, "quality") or last.lower() in _SHORT_WORDS:
            return base
    match = _QUALITY_FIRST.match(name)
    return match[2] if match and names_role(match[1], "quality") else ""


def find_pairs(table: SourceTable, options: ReadOptions) -> list[Pair]:
    """Returns the value columns of a table with the quality columns that tell of them. Raises COLUMN_NOT_FOUND."""
    if options.quality_column:
        return _given(table.frame, options.quality_column)
    values = {tag.lower(): n for n in table.frame.columns if (tag := tag_of(n, _VALUE_WORDS))}
    plain = {n.lower(): n for n in table.frame.columns}
    found: list[Pair] = []
    for name in table.frame.columns:
        tag = _quality_tag(name)
        if not tag:
            continue
        value = values.get(tag.lower()) or plain.get(tag.lower()) or ""
        if value and value != name and holds_codes(table.frame[name]) and _is_quality(name, table.frame[name]):
            found.append(Pair(value, name, tag if value in values.values() else value))
    if found and any(has_good_word(_texts(table.frame[p.quality])) for p in found):
        known = {p.quality for p in found}
        # What its like is for other tags, a status that tells of faults beside "OK" is for this one.
        for name in table.frame.columns:
            value = plain.get(_quality_tag(name).lower(), "") if name not in known else ""
            if value and value != name and _tells_faults(_texts(table.frame[name])):
                found.append(Pair(value, name, value))
    return found or _named_below(table) or _in_order(table.frame) or _of_owners(table.frame) or _beside(table.frame)


def _texts(values: pl.Series) -> list[str]:
    return trimmed(values.cast(pl.String)).drop_nulls().unique().to_list()


def _tells_faults(texts: list[str]) -> bool:
    """Returns whether texts are words for good and for faults, and nothing else."""
    return (
        0 < len(texts) <= _MOST_STATES
        and has_good_word(texts)
        and all(is_good_word(t) or is_fault_word(t) or says_bad(t) for t in texts)
    )


def _given(frame: pl.DataFrame, mark: str) -> list[Pair]:
    """Returns the pairs of a column that was said to be the quality: with the value it names, else with every number of
    its row. Raises COLUMN_NOT_FOUND."""
    if mark not in frame.columns:
        raise SensorForgeError(
            "COLUMN_NOT_FOUND", f"There is no quality column {mark!r}; the file has {', '.join(frame.columns[:30])}."
        )
    tag = _quality_tag(mark).lower()
    named = [n for n in frame.columns if n != mark and tag and tag in (n.lower(), tag_of(n, _VALUE_WORDS).lower())]
    values = [n for n in frame.columns if n != mark and not _is_other(n) and _holds_numbers(frame[n])]
    return [Pair(n, mark, n) for n in named or values]


def _named_below(table: SourceTable) -> list[Pair]:
    """Returns the pairs of a table whose header repeats each tag over its columns, as a line of roles tells them.

    DataLink writes the tag over "Value" and "% Good"; the header's second `Flow` became `Flow_2`.
    """
    names = table.frame.columns
    for line in table.preamble:
        found = []
        for at, (name, word) in enumerate(zip(names, line, strict=False)):
            base = re.sub(r"_\d+$", "", name)
            value = next((n for n in reversed(names[:at]) if n == base), "") if base != name and word else ""
            if value and (names_role(word, "quality") or word.lower() in _SHORT_WORDS):
                found.append(Pair(value, name, value))
        if found and all(holds_codes(table.frame[p.quality].alias("quality")) for p in found):
            return found
    return []


def _in_order(frame: pl.DataFrame) -> list[Pair]:
    """Returns the pairs of a table with numbered qualities behind all of its values ("Quality1", "Quality2"), as many
    as there are values."""
    marks = [n for n in frame.columns if re.search(r"\d$", n) and _names_quality(n.rstrip("0123456789"))]
    if len(marks) < 2 or frame.columns[-len(marks) :] != marks:
        return []
    values = [n for n in frame.columns[: -len(marks)] if not _is_other(n)]
    coded = all(holds_codes(frame[m]) for m in marks) and any(_speaks(frame[m].alias("quality")) for m in marks)
    return [Pair(v, m, v) for v, m in zip(values, marks, strict=True)] if coded and len(values) == len(marks) else []


def _of_owners(frame: pl.DataFrame) -> list[Pair]:
    """Returns the numbers of every object that has one quality for all ("fields.flow", "fields.temp",
    "fields.Quality", as Telegraf's OPC UA reader writes them)."""
    found: list[Pair] = []
    for mark in frame.columns:
        owner, point, part = mark.rpartition(".")
        level = tier(part, "quality")
        if not point or level is None or level >= STATES_TIER:
            continue
        texts = trimmed(frame[mark].cast(pl.String)).drop_nulls().unique().to_list()
        if not holds_codes(frame[mark].alias(part)) or not any(map(_SURELY_QUALITY.match, texts)):
            continue
        inside = [n for n in frame.columns if n != mark and n.startswith(owner + point)]
        named = {n: n.removeprefix(owner + point) for n in inside}
        found += [
            Pair(n, mark, n)
            for n, own in named.items()
            if not _is_other(own) and not _COUNTS_ROWS.search(own) and _holds_numbers(frame[n])
        ]
    return found


def _beside(frame: pl.DataFrame) -> list[Pair]:
    """Returns value columns with a quality column right behind each that names no tag ("Quality", "Sts_01").

    A lone quality column must hold codes that nothing but a sample has, or stand behind a lone column called value,
    since parts and machines have states and qualities, too.
    """
    names = frame.columns
    marks = [n for n in names if _names_quality(n) and _holds_codes_or_blanks(frame[n])]
    if not marks or not any(_speaks(frame[n]) for n in marks):
        return _alternating(frame)
    before = {m: names[names.index(m) - 1] for m in marks if names.index(m) > 0}
    if len(marks) == 1:
        return _beside_one(frame, marks[0])
    if len(before) < len(marks) or any(v in marks or _is_other(v) for v in before.values()):
        return []
    return [Pair(value, mark, value) for mark, value in before.items()]


def _alternating(frame: pl.DataFrame) -> list[Pair]:
    """Returns the pairs of a table where every value has a status of the same heading right behind it.

    What they say must be about quality: one of the texts is good or bad, or "OK" stands beside words for faults.
    """
    # Lines may end with a delimiter.
    blank = frame.columns[-1:] if frame[:, -1].null_count() == frame.height else []
    values = [n for n in frame.columns if not _is_other(n) and n not in blank]
    marks = [n for n in values if _names_quality(n) or _quality_tag(n)]
    if len(marks) < 2 or len(values) != 2 * len(marks) or values[1::2] != marks or not _alike(values[::2], marks):
        return []
    texts = {t for m in marks for t in trimmed(frame[m].cast(pl.String)).drop_nulls().unique().to_list()}
    named = all(re.search(r"[^\W\d]", t) and len(t) <= 24 for t in texts) and len(texts) <= _MOST_STATES
    told = any(says_bad(t) for t in texts) or (
        has_good_word(texts) and all(is_fault_word(t) or is_quality_word(t) for t in texts)
    )
    return [Pair(v, m, v) for v, m in zip(values[::2], marks, strict=True)] if named and told else []


def _alike(values: list[str], marks: list[str]) -> bool:
    """Returns whether all marks have one heading, or each that of its value's tag ("FT1/PV.CV" and "FT1 Status")."""
    if len({re.sub(r"_\d+$", "", m) for m in marks}) == 1:
        return True
    tags = [_quality_tag(m) for m in marks]
    return all(t and v.startswith(t) for v, t in zip(values, tags, strict=True))


def _beside_one(frame: pl.DataFrame, mark: str) -> list[Pair]:
    """Returns the pairs of a table's only quality column: with its only value, or with every number of a row."""
    values = [n for n in frame.columns if n != mark and not _is_other(n)]
    texts = trimmed(frame[mark].cast(pl.String)).drop_nulls().unique().to_list()
    surely = any((_OPC_QUALITY if _is_state(mark) else _SURELY_QUALITY).match(t) for t in texts)
    measured = [n for n in values if _holds_numbers(frame[n])]
    if len(values) == 1 or (len(measured) == 1 and names_role(measured[0], "value")):
        alone = values[0] if len(values) == 1 else measured[0]
        return [Pair(alone, mark, alone)] if surely or names_role(alone, "value") else []
    # Between the values it would be the quality of the one before it; at an end it is that of the row.
    ends = [n for n in frame.columns if n == mark or not _is_other(n)]
    if not surely or mark not in (frame.columns[-1], frame.columns[1], ends[-1]):
        return []
    return [Pair(n, mark, n) for n in values if _holds_numbers(frame[n]) and not _COUNTS_ROWS.search(n)]


def _holds_numbers(values: pl.Series) -> bool:
    texts = trimmed(values.cast(pl.String).head(300)).drop_nulls()
    return int(texts.str.contains(r"^[+-]?[\d.,]*\d").sum()) > 0.5 * len(texts)


def _names_quality(name: str) -> bool:
    base = re.sub(r"_\d+$", "", name)
    return names_role(base, "quality") or base.lower() in _SHORT_WORDS


def _is_other(name: str) -> bool:
    """Returns whether a heading stands for a time or a part of one, not for values."""
    base = re.sub(r"_\d+$", "", name)
    return any(names_role(base, role) for role in ("time", "clock", "milliseconds", "unit")) or "marker" in name.lower()


def _holds_codes_or_blanks(values: pl.Series) -> bool:
    texts = trimmed(values.cast(pl.String)).drop_nulls().unique().to_list()
    return all(t.lower() in BAD_LETTERS for t in texts) or holds_codes(values)


def _speaks(values: pl.Series) -> bool:
    """Returns whether codes can only be about quality: words for good and bad, OPC codes, letters beside blanks."""
    texts = trimmed(values.cast(pl.String)).drop_nulls()
    distinct = texts.unique().to_list()
    coded = any(
        is_status_flags(t) or is_station_status(t) or (_OPC_QUALITY.match(t) if _is_state(values.name) else _is_code(t))
        for t in distinct
    )
    letters = bool(distinct) and len(texts) < 0.5 * len(values) and all(t.lower() in BAD_LETTERS for t in distinct)
    return coded or letters


def _is_quality(name: str, values: pl.Series) -> bool:
    """Returns whether a column is about quality: a status of 0 and 1 may as well be a valve's."""
    words = [w for _, w in _parts(name)]
    if not any(tier(w, "quality") == STATES_TIER for w in words) or _STATUS_PARTS.match(name):
        return True
    texts = trimmed(values.cast(pl.String)).drop_nulls().unique().to_list()
    return any(_is_code(t) or is_status_flags(t) for t in texts)


def _is_code(text: str) -> bool:
    return (
        bool(_SAYS_QUALITY.match(text))
        or is_quality_word(text)
        or (text.lstrip("-").isdigit() and abs(int(text)) >= 64)
    )


def _is_state(name: str) -> bool:
    """Returns whether a heading is a status or a state, which machines have as well, in words and in bits."""
    return tier(re.sub(r"_\d+$", "", name), "quality") == STATES_TIER


def holds_codes(values: pl.Series) -> bool:
    """Returns whether a column, or its distinct texts under its name, can be codes of quality."""
    if values.dtype == pl.Boolean or values.dtype.is_integer():
        return values.n_unique() <= 32
    if values.dtype != pl.String:
        return False
    # What databases write for no code is none.
    texts = [t for t in trimmed(values).drop_nulls().unique().to_list() if t.lower().strip("()<>[]") != "null"]
    surely = any((tier(w, "quality") or 0) < STATES_TIER for _, w in _parts(values.name) if names_role(w, "quality"))
    known = _is_worth if surely else is_quality_word
    return 0 < len(texts) <= 32 and all(_CODES.match(t) or known(t) or is_status_flags(t) for t in texts)


def _is_worth(text: str) -> bool:
    """Returns whether a text says what a sample is worth where the heading leaves no doubt that it is about that."""
    return has_good_word([text]) or says_bad(text)
