"""Long exports, one sample a line (time, tag, value, quality), turned wide: one row a time, one column a tag.

Reads Siemens WinCC and WinCC Runtime archives, AVEVA/Wonderware, PI, Ignition sqlth, Kepware, FactoryTalk, OPC and
Influx long tables by the names of their columns, and headerless ones by their content. Bad samples become missing
and are counted; a tag's samples never move in time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.quality import good_codes
from services.ingest.formats.registry import Reshape
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Reject, SampleCounts, SourceTable, numbered
from services.ingest.timestamps import AmbiguousTime, TimeColumn, find_time, from_epoch, localised

_TAG = re.compile(
    r"^(tag|tags|id|n|tag_?index|register(_?address)?|address|tag_?name|tag_?id|tag_?path|full_?path|var_?name|variable(_?name)?|point(_?name|_?id)?|item(_?name|_?id)?"
    r"|node_?id|node|series([ _]?name)?|signal(_?name)?|channel(_?name)?|sensor(_?name|_?id)?|name|measurement|_field|"
    r"field|parameter|metric|browse_?name|display_?name|messstelle|variable_?name|attribute|data_?point|object)$"
)
_VALUE = re.compile(
    r"^(value|val|v|v_?value|var_?value|_value|wert|tag_?value|item_?value|double_?value|float_?value|real_?value|"
    r"numeric_?value|point_?value|process_?value|pv|data|reading|sample|valor|valeur|result|header_?value)$"
)
_QUALITY = re.compile(
    r"^((data_?)?quality(_?code|_?detail|_?status)?|opc_?quality|q|validity|status(_?code)?|state|good|is_?good|int_?quality|"
    r"data_?integrity|item_?quality|tag_?quality|quality_?string|confidence|qualität|qualitaet|point_?status|qc|"
    r"opcua_?status|severity|valid|is_?valid)$"
)
_TIME = re.compile(
    r"^(time_?stamp|time|date_?time|datetime|date_?and_?time|date|time_?string|_time|ts|t_?stamp|t|source_?time(_?stamp)?|"
    r"server_?time(_?stamp)?|event_?time|utc_?time|local_?time|zeit(_?stempel)?|zeitpunkt|datum|sample_?time|time_?utc|"
    r"timestamp_?utc|time_?ms|epoch|timestamp_?ms|date_?time_?utc|recorded_?at|item_?timestamp|record_?time|horodatage|fecha)$"
)
_CLOCK = re.compile(r"^(time|uhrzeit|hora|heure|clock|time_?of_?day)$")
_MILLISECONDS = re.compile(r"^(milli(tm|s|_?seconds?|_?sec)?|ms|msec)$")
_MARKER = r"^\$RT_[A-Z]+\$$"
_OTHER_VALUE = re.compile(r"^(int_?value|string_?value|text_?value|str_?value|v_?string|svalue|varstring)$")
LARGEST_DISTINCT_TAGS = 5_000


@dataclass(frozen=True)
class _Roles:
    """Column names by what they mean; "" where a column is absent."""

    tag: str
    value: str
    time: str
    quality: str = ""
    clock: str = ""
    milliseconds: str = ""
    other_values: tuple[str, ...] = ()
    evidence: str = ""


def plain(name: str) -> str:
    """Returns a column name in lower case without brackets, blanks and punctuation."""
    bare = re.sub(r"\s*[\[(].*?[\])]\s*$", "", name.strip()).lower()
    return re.sub(r"[ .\-/]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare)).strip("_") or name.lower()


def _as_texts(table: SourceTable) -> SourceTable:
    """Returns the table with every cell as text, as a long export needs it whose values share a column."""
    typed = [n for n in table.frame.columns if table.frame[n].dtype != pl.String]
    if not typed:
        return table
    return replace(table, frame=table.frame.with_columns(pl.col(n).cast(pl.String) for n in typed))


def _roles(table: SourceTable, options: ReadOptions) -> _Roles | None:
    if options.tag_column or options.value_column:
        return _given(table, options)
    frame = table.frame
    if not 3 <= frame.width <= 16:
        return None
    return _by_name(table, options) if table.has_header else _by_content(frame)


def _given(table: SourceTable, options: ReadOptions) -> _Roles:
    named = {"tag": options.tag_column, "value": options.value_column, "quality": options.quality_column}
    for role, name in named.items():
        if name and name not in table.frame.columns:
            raise SensorForgeError(
                "COLUMN_NOT_FOUND",
                f"There is no {role} column {name!r}; the file has {', '.join(table.frame.columns[:30])}.",
            )
    guess = _by_name(table, options)
    rest = [n for n in table.frame.columns if n not in named.values()]
    time = options.timestamp_column or (guess.time if guess else "") or next(
        (n for n in rest if _TIME.match(plain(n)) or _reads_as_time(table.frame[n])), ""
    )  # fmt: skip
    tag, value = (
        options.tag_column or (guess.tag if guess else ""),
        options.value_column or (guess.value if guess else ""),
    )
    if not (tag and value and time):
        raise SensorForgeError(
            "COLUMN_NOT_FOUND",
            "A long export needs a tag, a value and a time column; the file has "
            f"{', '.join(table.frame.columns[:30])}.",
        )
    return _Roles(
        tag, value, time, options.quality_column or (guess.quality if guess else ""), evidence="columns given"
    )


def _first(names: list[str], pattern: re.Pattern[str]) -> str:
    return next((n for n in names if pattern.match(plain(n))), "")


def _by_name(table: SourceTable, options: ReadOptions) -> _Roles | None:
    names = list(table.frame.columns)
    value = _first(names, _VALUE)
    tag = _first([n for n in names if n != value], _TAG)
    times = [n for n in names if _TIME.match(plain(n)) and n not in (tag, value)]
    if not (tag and value and times):
        return None
    time = options.timestamp_column or next((n for n in times if _reads_as_time(table.frame[n])), times[0])
    quality = _first([n for n in names if n not in (tag, value, time)], _QUALITY)
    clock = next((n for n in names if n != time and _CLOCK.match(plain(n)) and _is_clock(table.frame[n])), "")
    milliseconds = _first([n for n in names if n not in (tag, value, time, clock)], _MILLISECONDS) if clock else ""
    distinct = table.frame[tag].n_unique()
    if distinct > LARGEST_DISTINCT_TAGS or distinct > 0.5 * table.frame.height + 1:
        return None
    others = tuple(n for n in names if n not in (tag, value, time) and _OTHER_VALUE.match(plain(n)))
    evidence = f"one sample a line: {tag!r} names {distinct} tags, {value!r} holds their values"
    return _Roles(tag, value, time, quality, clock, milliseconds, others, evidence)


def _by_content(frame: pl.DataFrame) -> _Roles | None:
    """Returns the roles of a headerless file with one tag column, one time column and one value column."""
    if frame.width > 5:
        return None
    time = next((n for n in frame.columns if _reads_as_time(frame[n])), "")
    numeric = [n for n in frame.columns if n != time and _share_of_numbers(frame[n]) > 0.6]
    texts = [n for n in frame.columns if n != time and n not in numeric]
    repeated = [n for n in texts if frame[n].n_unique() <= 0.5 * frame.height and frame[n].null_count() == 0]
    words = [n for n in repeated if frame[n].str.to_lowercase().str.contains("good|bad|uncertain|valid").mean() == 1.0]
    tags = [n for n in repeated if n not in words]
    if not time or not numeric or not tags:
        return None
    quality = words[0] if words else next((n for n in numeric[1:] if frame[n].is_in(["192", "0", "1"]).all()), "")
    return _Roles(
        tags[0], numeric[0], time, quality, evidence=f"one sample a line: {frame[tags[0]].n_unique()} tags repeat"
    )


def _share_of_numbers(values: pl.Series) -> float:
    head = values.head(2000).drop_nulls()
    if not len(head):
        return 0.0
    return float(head.str.strip_chars().str.contains(r"^[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?$").mean() or 0.0)  # type: ignore[arg-type]


def _reads_as_time(values: pl.Series) -> bool:
    head = values.head(500).str.strip_chars()
    return find_time(head) is not None or (head.str.contains(r"^\d{9,19}$").all() and from_epoch(head) is not None)


def _is_clock(values: pl.Series) -> bool:
    return bool((values.head(200).drop_nulls().str.contains(r"^\s*\d{1,2}[:.]\d{2}([:.]\d{2})?")).all())


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table is a long export, or ""."""
    if not (options.tag_column or options.value_column or 3 <= table.frame.width <= 16):
        return ""
    roles = _roles(_as_texts(table), options)
    return roles.evidence if roles else ""


def widen(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the wide table: `timestamp` (UTC), then one text column a tag in order of first appearance.

    Raises TIMESTAMP_AMBIGUOUS, NO_ROWS.
    """
    table = _as_texts(table)
    roles = _roles(table, options)
    assert roles is not None
    frame = table.frame.with_columns(table.row_numbers.alias("\0row"), table.line_numbers.alias("\0line"))
    markers = frame[roles.tag].str.contains(_MARKER).fill_null(False)
    rejects = [*table.rejects]
    if markers.any():
        for row in frame.filter(markers).iter_rows(named=True):
            rejects.append(Reject(row["\0row"], row["\0line"], "ARCHIVE_MARKER", str(row[roles.tag])))
        frame = frame.filter(~markers)
    times, fact = _times(frame, roles, options, file_name)
    values = frame[roles.value].str.strip_chars()
    for other in roles.other_values:
        # Historians keep whole numbers and texts in columns of their own, empty where the value is of another type.
        more = frame[other].str.strip_chars()
        values = (
            values.to_frame("v").select(pl.coalesce(pl.col("v").replace("", None), more).alias(roles.value)).to_series()
        )
    values = values.set(values == "", None)
    facts = [*table.facts, fact]
    good = pl.Series([True]).new_from_index(0, frame.height)
    if roles.quality:
        codes, evidence = good_codes(frame[roles.quality].fill_null("").alias("quality"), roles.quality)
        good = frame[roles.quality].is_in(list(codes)) if codes else ~good
        facts.append(Fact("quality", roles.quality, evidence))
    samples = pl.DataFrame(
        {
            "time": times,
            "tag": frame[roles.tag].str.strip_chars(),
            "value": values,
            "good": good,
            "line": frame["\0line"],
        }
    )
    wide, counts, bad, lines = pivot(samples)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
    moved = len(rejects) - len(table.rejects)
    lines_of = replace(table.counts, rows=table.counts.rows - moved, rejected=table.counts.rejected + moved)
    return SourceTable(
        frame=wide,
        counts=lines_of,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        units=_units(table, roles, options),
        facts=facts,
        rejects=sorted(rejects, key=lambda r: r.line),
        has_header=True,
        decimal=table.decimal,
        warnings=list(table.warnings),
        samples=counts,
        bad_cells=bad,
    )


def _units(table: SourceTable, roles: _Roles, options: ReadOptions) -> dict[str, str]:
    unit = next(
        (n for n in table.frame.columns if plain(n) in ("unit", "units", "uom", "eng_units", "engunits", "einheit")), ""
    )
    if not unit:
        return {}
    pairs = table.frame.select(roles.tag, unit).drop_nulls().unique(subset=[roles.tag])
    return {str(tag).strip(): str(u).strip() for tag, u in pairs.iter_rows() if str(u).strip()}


def _times(frame: pl.DataFrame, roles: _Roles, options: ReadOptions, file_name: str) -> tuple[pl.Series, Fact]:
    """Returns the sample times in UTC, null where a text is no time."""
    texts = frame[roles.time].str.strip_chars()
    if roles.clock:
        clock = frame[roles.clock].str.strip_chars()
        if roles.milliseconds:
            clock = clock + "." + frame[roles.milliseconds].str.strip_chars().str.zfill(3)
        texts = (texts.str.replace(r" 0{1,2}:00(:00)?(\.0+)?$", "") + " " + clock).alias(roles.time)
    texts = texts.set(texts == "", None)
    comma = bool(frame[roles.value].str.contains(r"^-?\d+,\d+$").any())
    found = find_time(texts, day_first=options.day_first, forced=options.timestamp_format, comma_locale=comma)
    if isinstance(found, AmbiguousTime) and (settled := _by_serial(frame, texts, found)) is not None:
        found = settled
    if isinstance(found, AmbiguousTime):
        raise SensorForgeError(
            "TIMESTAMP_AMBIGUOUS",
            f"{file_name}: {found.example!r} in column {roles.time!r} is {found.readings[0]} or {found.readings[1]}; "
            "every date of the file reads both ways.",
            metadata={"column": roles.time, "formats": "|".join(found.formats), "readings": "|".join(found.readings)},
        )
    if isinstance(found, TimeColumn):
        values = found.values
        if getattr(values.dtype, "time_zone", None) is None:
            values = localised(values, options.time_zone or "UTC")
        return values, Fact(f"timestamp_format:{roles.time}", found.format, found.evidence, found.alternatives)
    epoch = from_epoch(texts.str.replace(",", ".", literal=True))
    if epoch is None:
        raise SensorForgeError(
            "NO_ROWS", f"{file_name}: column {roles.time!r} holds no times ({texts.drop_nulls().head(1).to_list()})."
        )
    return epoch, Fact(f"timestamp_format:{roles.time}", "epoch", "numbers of the size of an epoch or Excel day")


def _by_serial(frame: pl.DataFrame, texts: pl.Series, found: AmbiguousTime) -> TimeColumn | None:
    """Returns the reading that a numeric copy of the time agrees with (WinCC writes Excel days times a million)."""
    name = next((n for n in frame.columns if plain(n) in ("time_ms", "timems")), "")
    if not name:
        return None
    days = frame[name].str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) / 1e6
    serial = from_epoch(days)
    if serial is None:
        return None
    for fmt in found.formats:
        reading = find_time(texts, forced=fmt)
        if isinstance(reading, TimeColumn):
            gap = (reading.values.dt.replace_time_zone("UTC") - serial).dt.total_hours().abs().max()
            if gap is not None and int(str(gap)) <= 15:
                return TimeColumn(reading.values, fmt, f"{name} says the same day", found.formats)
    return None


def pivot(samples: pl.DataFrame) -> tuple[pl.DataFrame, SampleCounts, dict[str, int], pl.Series]:
    """Returns (wide text table sorted by time, what every sample became, bad cells by tag, first line of each row).

    Of several good samples of a tag at one time the last stands; historians append corrections.
    """
    total = samples.height
    readable = samples["time"].is_not_null() & samples["tag"].is_not_null() & (samples["tag"] != "")
    unparsable = int((~readable).sum())
    samples = samples.filter(readable)
    samples = samples.with_columns(pl.when("good").then("value").otherwise(None).alias("value"))
    keyed = samples.group_by("time", "tag", maintain_order=True).agg(
        pl.col("value").drop_nulls().last().alias("value"),
        pl.col("value").is_not_null().sum().alias("filled"),
        (~pl.col("good")).sum().alias("bad"),
        pl.len().alias("n"),
        pl.col("line").min().alias("line"),
    )
    placed = int(keyed["value"].is_not_null().sum())
    bad_samples = int((~samples["good"]).sum())
    filled = int(keyed["filled"].sum())
    missing = samples.height - bad_samples - filled
    counts = SampleCounts(total, placed, bad_samples, filled - placed, unparsable, missing)
    bad_cells = keyed.filter(pl.col("value").is_null() & (pl.col("bad") > 0)).group_by("tag").agg(pl.len().alias("n"))
    tags = samples["tag"].unique(maintain_order=True).to_list()
    wide = keyed.pivot(on="tag", on_columns=tags, index="time", values="value", maintain_order=True)
    lines = keyed.group_by("time", maintain_order=True).agg(pl.col("line").min())
    wide = wide.join(lines, on="time", how="left", maintain_order="left").sort("time")
    first_lines = wide["line"]
    names = {t: (t if t not in ("timestamp", "source_row") else f"{t}_tag") for t in tags}
    wide = wide.drop("line").rename({"time": "timestamp", **names})
    return wide, counts, {names[t]: n for t, n in bad_cells.iter_rows()}, first_lines


RESHAPE = Reshape("long", recognise, widen)
