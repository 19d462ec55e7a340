"""Ignition: history tables with their tag table, tall and wide exports."""

from __future__ import annotations

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    ROWS,
    TAGS,
    TIMES,
    VALUES,
    Sample,
    comma,
    holds_the_truth,
    long_file,
    point,
    wide_file,
)


def sqlth(s: Sample) -> str:
    number = TAGS.index(s.tag) + 1
    whole = point(s.value) if s.tag in ("Count", "Run") else ""
    real = "" if whole else point(s.value)
    return f"{number},{whole},{real},,,{24 if s.bad else 192},{s.milliseconds}"


SQLTH = long_file("tagid,intvalue,floatvalue,stringvalue,datevalue,dataintegrity,t_stamp", sqlth)
SQLTH_TAGS = "id,tagpath,scid,datatype,querymode,created,retired\n" + "".join(
    f"{n + 1},plant/{t.lower()},1,1,0,1700000000000,\n" for n, t in enumerate(TAGS)
)


def test_ignition_history_table(read: Read) -> None:
    holds_the_truth(read(SQLTH.encode()), lambda tag: str(TAGS.index(tag) + 1))


def test_ignition_history_table_with_null_words(read: Read) -> None:
    text = SQLTH.replace(",,", ",NULL,").replace(",,", ",NULL,")
    holds_the_truth(read(text.encode()), lambda tag: str(TAGS.index(tag) + 1))


@pytest.mark.parametrize("names_first", [False, True])
def test_ignition_tag_table_names_the_tags(names_first: bool, read: Read) -> None:
    files = (SQLTH_TAGS.encode(), SQLTH.encode()) if names_first else (SQLTH.encode(), SQLTH_TAGS.encode())
    holds_the_truth(read(*files), lambda tag: f"plant/{tag.lower()}")


IGNITION = {
    "tall": long_file(
        "path,value,quality,timestamp",
        lambda s: f"[default]P/{s.tag},{point(s.value)},{'Bad_Stale' if s.bad else 'Good'},{s.milliseconds}",
    ),
    "tall, Java dates": long_file(
        '"path","value","quality","timestamp"',
        lambda s: (
            f'"[default]P/{s.tag}","{point(s.value)}","{0 if s.bad else 192}",'
            f'"{s.time:%a %b %d %H:%M:%S} UTC {s.time:%Y}"'
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(IGNITION))
def test_ignition_tall(layout: str, read: Read) -> None:
    holds_the_truth(read(IGNITION[layout].encode()), lambda tag: f"[default]P/{tag}")


IGNITION_WIDE = {
    "data set with header lines": '"#NAMES"\n"t_stamp","Flow","Temp","Count","Run"\n"#TYPES"\n"date","D","D","I","I"\n'
    '"#ROWS","60"\n'
    + "".join(
        f'"{TIMES[i]:%b %d, %Y %I:%M:%S %p}",' + ",".join(f'"{point(v[i])}"' for v in VALUES.values()) + "\n"
        for i in range(ROWS)
    ),
    "localised numbers": wide_file(
        "t_stamp;Flow;Temp;Count;Run",
        lambda i: (
            f"{TIMES[i]:%d.%m.%Y %H:%M:%S};"
            + ";".join(comma(v[i]) if v[i] < 1000 else f"{v[i]:,.0f}".replace(",", ".") for v in VALUES.values())
        ),
    ),
    "English thousands": wide_file(
        '"t_stamp","Flow","Temp","Count","Run"',
        lambda i: (
            f'"{TIMES[i]:%b %d, %Y %I:%M:%S %p}",'
            + ",".join(f'"{v[i]:,.3f}"' if k == "Flow" else f'"{v[i]:,g}"' for k, v in VALUES.items())
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(IGNITION_WIDE))
def test_ignition_wide(layout: str, read: Read) -> None:
    holds_the_truth(read(IGNITION_WIDE[layout].encode()), bad=False, time="t_stamp")
