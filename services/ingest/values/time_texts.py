"""Time texts brought to what a strptime format can say: month names, weekdays, zone names, East Asian characters.

Nothing is decided here: a text that is not understood comes back as it was.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

SAMPLE = 200
"""So many texts of a column are looked at."""
_MONTHS = {
    "jan": "Jan", "feb": "Feb", "fév": "Feb", "fev": "Feb", "mar": "Mar", "mär": "Mar", "mrz": "Mar", "apr": "Apr",
    "avr": "Apr", "may": "May", "mai": "May", "jun": "Jun", "juin": "Jun", "jul": "Jul", "juil": "Jul", "aug": "Aug",
    "aoû": "Aug", "sep": "Sep", "oct": "Oct", "okt": "Oct", "nov": "Nov", "dec": "Dec", "dez": "Dec", "déc": "Dec",
    "ene": "Jan", "abr": "Apr", "ago": "Aug", "dic": "Dec",
}  # fmt: skip
# "Thu Mar 14 05:58:00 UTC 2024" of Java and "Thu Mar 14 05:58:00 2024" of C: the year stands last.
_YEAR_LAST = r"^(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) +(\d{1,2}) (\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)( [A-Z]{3,4})? (\d{4})$"
_EAST_ASIAN = r"^(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]"
# The half of the day stands before the clock in East Asia.
_HALF_FIRST = r"(?:午前|午後|오전|오후|上午|下午) ?\d"
_ZONE_NAME = r"\d(?: [AaPp]\.?[Mm]\.?)? [A-Z]{3,4}$"
# Hours from UTC of zone names that stand for one zone only. CST is also China's and IST several; they are not here.
# Source: RFC 5322, section 4.3, and the tz database.
_OFFSETS = {
    "EST": "-05:00", "EDT": "-04:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00",
    "PDT": "-07:00", "AKST": "-09:00", "AKDT": "-08:00", "WET": "+00:00", "WEST": "+01:00", "CET": "+01:00",
    "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "JST": "+09:00", "KST": "+09:00",
    "AEST": "+10:00", "AEDT": "+11:00", "MEZ": "+01:00", "MESZ": "+02:00",
}  # fmt: skip
_CENTRAL = {"CST": "-06:00"}
# PostgreSQL writes whole hours of offset without minutes: "2024-03-14 05:58:00+00".
_HOURS_OFF = r"(:\d{2}(?:[.,]\d+)?)([+-]\d{2})$"
# Java writes the zone's name behind the offset, of which it is no part: "2024-05-01T10:00:00+02:00[Europe/Berlin]".
_ZONE_BEHIND = r"(Z|[+-]\d{2}:?\d{2}) ?\[[A-Za-z][\w/+-]*\]$"
# A period as ISO 8601 writes it, or with a dash between its ends: its beginning is the time.
_MOMENT = (
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
    r"(?: ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
_PERIOD = (
    rf"^({_MOMENT})(?: ?/ ?(?:{_MOMENT}|P[0-9.,YMDTHSW]+)| ?[-–] (?:{_MOMENT}))( ?\(?(?:UTC|GMT|[A-Z]{{3,4}})\)?)?$"
)
# Names that stand for several zones, or for local time with and without summer time: the times stay naive.
_SEVERAL_ZONES = r"\d(?: [AaPp][Mm])? (CST|IST|BST|AST|[ECMP]T|LT|LST|LOCAL)$"
_CHINESE_MONTHS = dict(
    zip(
        ("十二月", "十一月", "十月", "九月", "八月", "七月", "六月", "五月", "四月", "三月", "二月", "一月"),
        ("Dec", "Nov", "Oct", "Sep", "Aug", "Jul", "Jun", "May", "Apr", "Mar", "Feb", "Jan"),
        strict=True,
    )
)
_HALF_OF_DAY = r"(?i)(?:^|[ T])(\d{1,2}):\d{2}(?::\d{2}(?:\.\d+)?)? ?([AP])M$"
_HOUR_ALONE = r"^((?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8})[ T]\d{1,2})$"
# "13.03.2024 22:55 Uhr", "13/03/2024 à 22h55", "13.03.2024 um 22:55".
_BETWEEN = r"(?i)(\d),? (?:à|um|at|a las|alle(?: ore)?|às|om|kl\.?) (\d)"
_HOURS_BY_H = r"(?i)((?:^|[ T])\d{1,2}) ?h ?(\d{2})((?:min|m|:)? ?\d{2}s?)?$"
_SPOKEN = rf"(?i)\d ?(?:uhr|hrs?\.?)$|{_BETWEEN.removeprefix('(?i)')}|{_HOURS_BY_H.removeprefix('(?i)')}"
_WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So)[a-z]*[,.]? +"


def prepared(texts: pl.Series) -> pl.Series:
    """Returns time texts with English month names, points before fractions, plain AM/PM and no weekday."""
    head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_PERIOD).any():
        texts = texts.str.replace(_PERIOD, "${1}${2}").str.replace(r" ?\(([A-Z]{3,4})\)$", " ${1}")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_YEAR_LAST).any():
        texts = texts.str.replace(_YEAR_LAST, "${2} ${1} ${5} ${3}${4}")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains("  ", literal=True).any():
        texts = texts.str.replace_all("  +", " ")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_ZONE_BEHIND).any():
        texts = texts.str.replace(_ZONE_BEHIND, "${1}")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_WEEKDAY).any():
        texts = texts.str.replace(_WEEKDAY, "")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_EAST_ASIAN).any():
        texts = texts.str.replace(_EAST_ASIAN, "${1}-${2}-${3} ").str.strip_chars()
        texts = texts.str.replace(r"(\d{1,2})[时時시] ?(\d{1,2})[分분] ?(?:(\d{1,2})[秒초])?$", "${1}:${2}:${3}")
        texts = texts.str.strip_chars_end(":").str.replace(r"  +", " ")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_HALF_FIRST).any():
        for half, words in (("AM", "午前|오전|上午"), ("PM", "午後|오후|下午")):
            texts = texts.str.replace(rf"(?:{words}) ?(\d{{1,2}}:\S+)", f"${{1}} {half}")
        head = texts.drop_nulls().head(SAMPLE)
    if head.len() and head.str.contains(_HOUR_ALONE).all():
        texts = texts.str.replace(_HOUR_ALONE, "${1}:00")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains("[一二三四五六七八九十]月").any():
        texts = texts.str.replace_many(list(_CHINESE_MONTHS), list(_CHINESE_MONTHS.values()), leftmost=True)
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_SEVERAL_ZONES).any() and zone_of_several(texts):
        texts = texts.str.replace(r" [A-Z]{2,5}$", "")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_HALF_OF_DAY).any() and _halves_are_idle(texts):
        texts = texts.str.replace(r"(?i) ?[AP]M$", "")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_ZONE_NAME).any():
        texts = _with_offsets(texts)
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_HOURS_OFF).any():
        texts = texts.str.replace(_HOURS_OFF, "${1}${2}:00")
    if head.str.contains(_SPOKEN).any():
        texts = texts.str.replace(r"(?i)\s*(?:uhr|hrs?\.?)$", "").str.replace(_BETWEEN, "${1} ${2}")
        texts = texts.str.replace(_HOURS_BY_H, "${1}:${2}${3}").str.replace(r"(\d)(?:min|m|s)$", "${1}")
        texts = texts.str.replace(r"(\d)(?:min|m)(\d)", "${1}:${2}")
    if head.str.contains(r":\d{2}[,;]\d").any():
        texts = texts.str.replace(r"(:\d{2})[,;](\d)", "${1}.${2}")
    if head.str.contains(r"(?i)[ap]\.\s?m\.").any():
        texts = texts.str.replace(r"(?i)([ap])\.\s?m\.", "${1}m")
    if head.str.contains(r"[ \u{202f}\u{a0}]\s*[AaPp][Mm]$").any():
        texts = texts.str.replace(r"[\u{202f}\u{a0}]", " ")
    if head.str.contains(r"[A-Za-zéûä]{3,}").any() and not head.str.contains(r"^\d{4}-\d{2}-\d{2}[T ]").all():
        # The point of "3. Dez. 2024" goes; that of "27.May.2021" parts month and year.
        distinct = texts.str.extract(r"(?i)([a-zéûä]{3,12}(?:\.(?:\D|$))?)").drop_nulls().unique().to_list()
        found = {d: _MONTHS.get(d[:4].lower()) or _MONTHS.get(d[:3].lower()) for d in distinct}
        swap = {d: m + d.partition(".")[2] for d, m in found.items() if m and m != d}
        if swap and len(swap) <= 48:
            texts = texts.str.replace_many(list(swap), list(swap.values()))
    return texts


def zone_of_several(texts: pl.Series) -> str:
    """Returns the name behind all times of a column that stands for several zones, "" where there is none."""
    head = texts.drop_nulls().head(SAMPLE).str.extract(_SEVERAL_ZONES)
    if not head.len() or head.null_count():
        return ""
    names = texts.str.extract(r" ([A-Z]{2,5})$").drop_nulls().unique()
    return str(names[0]) if names.len() == 1 else ""


def _halves_are_idle(texts: pl.Series) -> bool:
    """Returns whether AM and PM stand beside clocks of 24 hours, to which they add nothing ("13:00:00 PM")."""
    hours = texts.str.extract(_HALF_OF_DAY, 1).cast(pl.Int64, strict=False)
    if not ((hours > 12) | (hours == 0)).any():
        return False
    afternoon = texts.str.extract(_HALF_OF_DAY, 2).str.to_uppercase() == "P"
    return bool(((hours >= 12) == afternoon).all())


def offset_of_name(name: str) -> dt.timedelta:
    """Returns the distance from UTC of a zone name that stands for one zone. Raises KeyError."""
    hours, minutes = _OFFSETS[name].split(":")
    return dt.timedelta(hours=int(hours), minutes=int(minutes))


def known_zones(names: list[str]) -> bool:
    """Returns whether zone names stand for one offset each."""
    return set(names) <= (_OFFSETS.keys() | {"UTC", "GMT"} | (_CENTRAL.keys() if "CDT" in names else set()))


def _with_offsets(texts: pl.Series) -> pl.Series:
    """Returns texts whose zone names are offsets; a name that may be several zones stays, and so do all."""
    names = set(texts.str.extract(r" ([A-Z]{3,4})$").drop_nulls().unique().to_list()) - {"UTC", "GMT"}
    offsets = _OFFSETS | (_CENTRAL if "CDT" in names else {})
    if not names or not names <= offsets.keys():
        return texts
    every = offsets | {"UTC": "+00:00", "GMT": "+00:00"}
    return texts.str.replace_many([f" {n}" for n in every], [f" {o}" for o in every.values()])
