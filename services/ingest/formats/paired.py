"""Wide tables with a quality column beside every value column: bad samples become missing, the pairs one column.

Reads `X` with `X_quality`, `X.Value` with `X.StatusCode`, and Kepware's four columns a tag (numeric id, value,
timestamp, quality). Where each tag has a time column of its own and they differ, every sample stands at its own time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from services.ingest.formats.clock import reads_as_time, trimmed, utc_times
from services.ingest.formats.headings import names_role, tier
from services.ingest.formats.pivot import pivoted
from services.ingest.formats.quality import BAD_LETTERS, good_codes
from services.ingest.formats.registry import Reshape
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable

_SEPARATOR = re.compile(r"[\s._:/\-\[(]+|(?<=[a-z0-9])(?=[A-Z][a-z])")
_STATUS_PARTS = re.compile(r"^(.*?)[._]status_?code[._](?:code|symbol)$|^(.*?)[._]status[._](?:code|symbol)$", re.I)
_QUALITY_FIRST = re.compile(r"^(quality|q|status|validity|qualität|qualité)[\s._:/\-\[(]+(.+?)[\])]?$", re.I)
_OMITTED_IF_GOOD = re.compile(r"status(_?code)?([._](code|symbol))?$", re.I)
_SHORT_WORDS = ("qual", "opc quality", "good", "qd", "st", "sts")
_VALUE_WORDS = ("value", "val", "v", "cv", "numericvalue", "wert", "valeur", "valor")
_TIME_WORDS = ("timestamp", "time", "ts", "sourcetimestamp", "servertimestamp", "zeitstempel", "t")
_STATES = 3
"""The tier of headings such as "status" and "state", which need not be about quality."""
_SAYS_QUALITY = re.compile(r"^(good|bad|uncertain|ok|invalid|gut|schlecht|bonne|0x)", re.I)
_OPC_QUALITY = re.compile(r"^(192|216|good.*|bad.*|uncertain.*)$", re.I)
_SURELY_QUALITY = re.compile(r"^(192|216|0x[0-9a-f]+|16#[0-9a-f]+|good.*[(\[,_].*|bad.*[(\[,_].*|uncertain.*)$", re.I)
_CODES = re.compile(
    r"^(good.*|bad.*|uncertain.*|ok|valid|invalid|true|false|gut|schlecht|unsicher|bon(ne)?|mauvaise?|[gbu]"
    r"|(0x|16#)[0-9a-f]+"
    r"|-?\d{1,10}%?( .*)?|[a-z ,_-]+[\[(]\d+[\])])$",
    re.I,
)


@dataclass(frozen=True)
class _Pair:
    value: str
    quality: str
    tag: str


def _parts(name: str) -> list[tuple[str, str]]:
    """Returns every way to part a heading into a tag and a last word."""
    return [(name[: m.start()], name[m.end() :].rstrip("])")) for m in _SEPARATOR.finditer(name) if m.start() > 0]


def _tag_of(name: str, words: tuple[str, ...]) -> str:
    """Returns the tag before one of the words, "" when a heading does not end with one."""
    return next((base for base, last in _parts(name) if re.sub(r"[\W_]", "", last.lower()) in words), "")


def _quality_tag(name: str) -> str:
    if match := _STATUS_PARTS.match(name):
        return match[1] or match[2]
    for base, last in _parts(name):
        if names_role(last, "quality") or last.lower() in _SHORT_WORDS:
            return base
    match = _QUALITY_FIRST.match(name)
    return match[2] if match else ""


def _pairs(table: SourceTable) -> list[_Pair]:
    values = {tag.lower(): n for n in table.frame.columns if (tag := _tag_of(n, _VALUE_WORDS))}
    plain = {n.lower(): n for n in table.frame.columns}
    found: list[_Pair] = []
    for name in table.frame.columns:
        tag = _quality_tag(name)
        if not tag:
            continue
        value = values.get(tag.lower()) or plain.get(tag.lower()) or ""
        if value and value != name and _holds_codes(table.frame[name]) and _is_quality(name, table.frame[name]):
            found.append(_Pair(value, name, tag if value in values.values() else value))
    return found or _beside(table.frame)


def _beside(frame: pl.DataFrame) -> list[_Pair]:
    """Returns value columns with a quality column right behind each that names no tag ("Quality", "Sts_01").

    A lone quality column must hold codes that nothing but a sample has, or stand behind a lone column called value,
    since parts and machines have states and qualities, too.
    """
    names = frame.columns
    marks = [n for n in names if _names_quality(n) and _holds_codes_or_blanks(frame[n])]
    if not marks or not any(_speaks(frame[n]) for n in marks):
        return []
    before = {m: names[names.index(m) - 1] for m in marks if names.index(m) > 0}
    if len(marks) == 1:
        return _beside_one(frame, marks[0])
    if len(before) < len(marks) or any(v in marks or _is_other(v) for v in before.values()):
        return []
    return [_Pair(value, mark, value) for mark, value in before.items()]


def _beside_one(frame: pl.DataFrame, mark: str) -> list[_Pair]:
    """Returns the pairs of a table's only quality column: with its only value, or with every number of a row."""
    values = [n for n in frame.columns if n != mark and not _is_other(n)]
    texts = trimmed(frame[mark].cast(pl.String)).drop_nulls().unique().to_list()
    surely = any((_OPC_QUALITY if _is_state(mark) else _SURELY_QUALITY).match(t) for t in texts)
    if len(values) == 1:
        return [_Pair(values[0], mark, values[0])] if surely or names_role(values[0], "value") else []
    # Between the values it would be the quality of the one before it; at an end it is that of the row.
    if not surely or mark not in (frame.columns[-1], frame.columns[1]):
        return []
    return [_Pair(n, mark, n) for n in values if _holds_numbers(frame[n])]


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
    return all(t.lower() in BAD_LETTERS for t in texts) or _holds_codes(values)


def _speaks(values: pl.Series) -> bool:
    """Returns whether codes can only be about quality: words for good and bad, OPC codes, letters beside blanks."""
    texts = trimmed(values.cast(pl.String)).drop_nulls()
    distinct = texts.unique().to_list()
    coded = any(_OPC_QUALITY.match(t) if _is_state(values.name) else _is_code(t) for t in distinct)
    letters = bool(distinct) and len(texts) < 0.5 * len(values) and all(t.lower() in BAD_LETTERS for t in distinct)
    return coded or letters


def _is_quality(name: str, values: pl.Series) -> bool:
    """Returns whether a column is about quality: a status of 0 and 1 may as well be a valve's."""
    words = [w for _, w in _parts(name)]
    if not any(tier(w, "quality") == _STATES for w in words) or _STATUS_PARTS.match(name):
        return True
    texts = trimmed(values.cast(pl.String)).drop_nulls().unique().to_list()
    return any(map(_is_code, texts))


def _is_code(text: str) -> bool:
    return bool(_SAYS_QUALITY.match(text)) or (text.lstrip("-").isdigit() and abs(int(text)) >= 64)


def _is_state(name: str) -> bool:
    """Returns whether a heading is a status or a state, which machines have as well, in words and in bits."""
    return tier(re.sub(r"_\d+$", "", name), "quality") == _STATES


def _holds_codes(values: pl.Series) -> bool:
    if values.dtype == pl.Boolean or values.dtype.is_integer():
        return values.n_unique() <= 32
    if values.dtype != pl.String:
        return False
    distinct = trimmed(values).drop_nulls().unique()
    return 0 < len(distinct) <= 32 and all(_CODES.match(str(v).strip()) for v in distinct.to_list())


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table has quality columns, or ""."""
    pairs = _pairs(table)
    return f"{len({p.value for p in pairs})} value columns have a quality column beside them" if pairs else ""


def apply_quality(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the table without quality columns; bad samples are null and counted in bad_cells.

    Raises TIMESTAMP_AMBIGUOUS where tags have clocks of their own.
    """
    frame = table.frame
    pairs = _pairs(table)
    good: dict[str, pl.Series] = {}
    facts = list(table.facts)
    for pair in pairs:
        texts = frame[pair.quality].cast(pl.String)
        texts = texts.fill_null("")
        silent = (texts.str.strip_chars() == "").all()
        codes, evidence = good_codes(texts.alias("quality"), pair.quality)
        # OPC UA leaves out the status of a good sample.
        omitted = _OMITTED_IF_GOOD.search(pair.quality) is not None
        is_good = texts.is_in(list(codes)) | (texts.str.strip_chars() == "" if omitted or silent else False)
        good[pair.value] = good[pair.value] & is_good if pair.value in good else is_good
        facts.append(Fact(f"quality:{pair.tag}", pair.quality, evidence))
    tags = {p.value: p.tag for p in pairs}
    qualities = {p.quality for p in pairs}
    clocks = _own_clocks(frame, tags)
    ids = [
        n for t in tags.values() for n in frame.columns if n.lower() in (f"{t}_numericid".lower(), f"{t}_name".lower())
    ]
    extra = [n for n in frame.columns if n in qualities or n in ids]
    others = [n for n in frame.columns if n not in extra and n not in tags and n not in clocks.values()]
    has_axis = any(re.search(r"time|date|zeit|datum|^ts$|^t$|^fecha|^hora", n, re.I) for n in others)
    if clocks and not has_axis and set(clocks) == set(tags):
        first = next(iter(clocks.values()))
        if not all((frame[c] == frame[first]).all() for c in clocks.values()):
            return _by_own_clock(table, file_name, options, tags, clocks, good, facts)
        frame = frame.rename({first: "timestamp"}) if "timestamp" not in frame.columns else frame
        clocks = {v: c for v, c in clocks.items() if c != first}
    drop = [*extra, *(c for c in clocks.values() if c in frame.columns)] if has_axis or clocks else extra
    companions = _companions(frame, tags.values()) if has_axis else []
    bad_cells = dict(table.bad_cells)
    for value, is_good in good.items():
        filled = frame[value].is_not_null()
        if frame[value].dtype == pl.String:
            filled = filled & (frame[value].str.strip_chars() != "").fill_null(False)
        bad = ~is_good & filled
        frame = frame.with_columns(pl.when(pl.Series(is_good)).then(pl.col(value)).otherwise(None).alias(value))
        if bad.any():
            bad_cells[value] = int(bad.sum())
    frame = frame.drop({*drop, *companions})
    renames = {v: t for v, t in tags.items() if v == t or t not in frame.columns}
    renamed_bad = {renames.get(n, n): c for n, c in bad_cells.items()}
    units = {renames.get(n, n): u for n, u in table.units.items() if n in frame.columns}
    return replace(table, frame=frame.rename(renames), bad_cells=renamed_bad, facts=facts, units=units)


def _own_clocks(frame: pl.DataFrame, tags: dict[str, str]) -> dict[str, str]:
    """Returns the time column of each value column that has one of its own."""
    wanted = {t.lower(): v for v, t in tags.items()}
    found: dict[str, str] = {}
    for name in frame.columns:
        value = wanted.get(_tag_of(name, _TIME_WORDS).lower(), "")
        if value and value not in found and frame[name].dtype == pl.String and reads_as_time(frame[name]):
            found[value] = name
    return found


def _companions(frame: pl.DataFrame, tags: object) -> list[str]:
    """Returns further columns of OPC UA data values: server times, symbols."""
    mark = re.compile(r"[._](source_?timestamp|server_?timestamp|status_?code\.symbol|timestamp)$", re.I)
    begins = tuple(f"{tag}{separator}" for tag in tags for separator in "._")  # type: ignore[attr-defined]
    return [n for n in frame.columns if mark.search(n) and n.startswith(begins)]


def _by_own_clock(
    table: SourceTable,
    file_name: str,
    options: ReadOptions,
    tags: dict[str, str],
    clocks: dict[str, str],
    good: dict[str, pl.Series],
    facts: list[Fact],
) -> SourceTable:
    frame = table.frame
    texts = pl.concat([trimmed(frame[c]).alias("timestamp") for c in clocks.values()])
    stamps, fact = utc_times(texts, options, file_name)
    parts = [
        pl.DataFrame(
            {
                "time": stamps.slice(number * frame.height, frame.height),
                "tag": pl.Series([tags[value]]).new_from_index(0, frame.height),
                "value": trimmed(frame[value].cast(pl.String)),
                "good": good[value],
                "line": table.line_numbers,
            }
        )
        for number, value in enumerate(clocks)
    ]
    units = {tags[v]: u for v, u in table.units.items() if v in tags}
    return pivoted(table, pl.concat(parts), [*facts, fact], units)


RESHAPE = Reshape("quality columns", recognise, apply_quality)
