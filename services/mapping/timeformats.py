"""Written times: which formats a text can have, and which reading of a column the evidence singles out."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors

_DATES = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d")),
    (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y",)),
    (r"\d{1,2}-[^\W\d]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d{1,2}-[^\W\d]{3}-\d{2}", ("%d-%b-%y",)),
    (r"\d{1,2} [^\W\d]{3} \d{4}", ("%d %b %Y",)),
    (r"\d{1,2} [^\W\d]{4,} \d{4}", ("%d %B %Y",)),
    (r"\d{1,2}/[^\W\d]{3}/\d{4}", ("%d/%b/%Y",)),
    (r"[^\W\d]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)),
    (r"[^\W\d]{3} \d{1,2} \d{4}", ("%b %d %Y",)),
    (r"[^\W\d]{4,} \d{1,2}, \d{4}", ("%B %d, %Y",)),
    (r"\d{4}年\d{1,2}月\d{1,2}日", ("%Y年%m月%d日",)),
    (r"\d{8}", ("%Y%m%d",)),
)
_CLOCKS = (
    (r"\d{1,2}:\d{2}:\d{2}[.]\d+", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2}:\d{2},\d+", "%H:%M:%S,%f"),
    (r"\d{1,2}:\d{2}:\d{2}:\d{1,3}", "%H:%M:%S:%3f"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}\.\d{2}\.\d{2}", "%H.%M.%S"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+ ?[AaPp]\.?[Mm]\.?", "%I:%M:%S%.f %p"),
    (r"\d{1,2}:\d{2}:\d{2} ?[AaPp]\.?[Mm]\.?", "%I:%M:%S %p"),
    (r"\d{1,2}:\d{2} ?[AaPp]\.?[Mm]\.?", "%I:%M %p"),
    (r"\d{1,2}h\d{2}", "%Hh%M"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{4}", "%H%M"),
    (r"\d{2}", "%H"),
)
_ZONES = (
    (r"", ""),
    (r"Z", "Z"),
    (r" ?UTC", " UTC"),
    (r" ?GMT", " GMT"),
    (r" ?[+-]\d{2}:?\d{2}", "%#z"),
    (r" ?[+-]\d{2}", "%#z"),
)
_SEPARATORS = (r"[T ]", r"\s+", r", ", r"-", r":", r"_", r"")


def candidate_formats(text: str) -> list[str]:
    """Returns the strptime formats (chrono letters) whose shape fits one value, best known first."""
    text = text.strip()
    found: list[str] = []
    for date_shape, dates in _DATES:
        head = re.match(date_shape + r"(?!\d)" if date_shape != r"\d{8}" else date_shape, text)
        if head is None:
            continue
        rest = text[head.end() :]
        if not rest:
            found += dates
            continue
        for clock_shape, clock in _CLOCKS:
            for separator in _SEPARATORS:
                match = re.match(f"({separator})({clock_shape})", rest)
                if match is None:
                    continue
                tail = rest[match.end() :]
                for zone_shape, zone in _ZONES:
                    if re.fullmatch(zone_shape, tail):
                        if zone == "%#z" and tail.startswith(" "):
                            zone = " %#z"
                        elif zone in (" UTC", " GMT") and not tail.startswith(" "):
                            zone = zone.strip()
                        if "%p" in clock and " " not in match.group(2):
                            clock = clock.replace(" %p", "%p")
                        found += [date + match.group(1) + clock + zone for date in dates]
    return list(dict.fromkeys(found))


def parse_text(text: pl.Series, form: str) -> pl.Series:
    """Returns Datetime values (us; UTC where the format names a zone) of texts in one format, null for others."""
    if form.endswith(("Z", "UTC", "GMT")) and not form.endswith("%Z"):
        cut = {"Z": 1, "C": 3, "T": 3}[form[-1]]
        body = text.str.head(-cut).str.strip_chars()
        return parse_text(body, form[:-cut].strip()).dt.replace_time_zone("UTC")
    if form.endswith(",%f"):
        return parse_text(text.str.replace(r",(\d+)$", ".$1"), form[:-3] + "%.f")
    if "%H" not in form and "%I" not in form:
        return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    if "%p" in form:
        text = text.str.replace(r"(?i)([ap])\.?m\.?$", "${1}m")
    if "%M" not in form:  # an hour alone is no time to the parser
        return parse_text(text + ":00", form + ":%M")
    return text.str.to_datetime(form, time_unit="us", strict=False, exact=True, ambiguous="null")


def choose_reading(
    readings: dict[str, pl.Series], name: str, example: str, day_first: bool | None
) -> tuple[pl.Series, str]:
    """Returns the reading that evidence singles out: the option, then equal results, then regular ascending steps."""
    items = list(readings.items())
    if day_first is not None and len(items) > 1:
        kept = [
            item
            for item in items
            if (item[0].find("%d") < item[0].find("%m")) == day_first and not item[0].startswith("%y")
        ]
        items = kept or items
    form, times = items[0]
    rivals = [(other, parsed) for other, parsed in items[1:] if not parsed.equals(times)]
    if not rivals:
        return times, form
    strange = sorted((_strange_steps(parsed), other) for other, parsed in items)
    (fewest, form), (more, _) = strange[:2]
    if more >= 4 * fewest + (1 if len(times) >= 20 else 3):
        return readings[form], form
    even = sorted(((_even_steps(parsed), other) for other, parsed in items), reverse=True)
    if even[0][0] - even[1][0] >= 0.2:
        return readings[even[0][1]], even[0][1]
    shown = []
    for other, parsed in items[:3]:
        first = parsed.drop_nulls()[0]
        shown.append(f"{first:%-d %B %Y} ({other})")
    raise SensorForgeError(
        "TIME_AMBIGUOUS",
        f"The column {name!r} can be read in {len(items)} ways: {example!r} is {' or '.join(shown)}. "
        "No value and no step tells which one is right.",
        metadata={"column": name, "readings": "|".join(other for other, _ in items)},
    )


def _steps(times: pl.Series) -> npt.NDArray[np.int64]:
    return np.diff(times.drop_nulls().dt.epoch("us").to_numpy())


def _strange_steps(times: pl.Series) -> int:
    """Returns how many steps go back or are much longer than the median step: none for a steady clock."""
    steps = _steps(times)
    return int(np.sum((steps < 0) | (steps > 5 * np.median(np.abs(steps))))) if len(steps) else 0


def _even_steps(times: pl.Series) -> float:
    """Returns the share of steps that equal the median step."""
    steps = _steps(times)
    return float(np.mean(np.abs(steps - np.median(steps)) <= 0.01 * abs(np.median(steps)))) if len(steps) else 0.0
