"""FactoryTalk View: float tables with their tag table, status and marker columns."""

from __future__ import annotations

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    ROWS,
    TAGS,
    Sample,
    comma,
    holds_the_truth,
    long_file,
    point,
)


def _ft(s: Sample, separator: str, number: str) -> str:
    mark = "B" if s.row == 0 else "E" if s.row == ROWS - 1 else ""
    return separator.join(
        [
            f"{s.time:%m/%d/%Y %I:%M:%S %p}",
            "0",
            str(TAGS.index(s.tag)),
            number,
            "E" if s.bad else "",
            mark,
        ]
    )


FLOAT_TABLE = long_file("DateAndTime,Millitm,TagIndex,Val,Status,Marker", lambda s: _ft(s, ",", point(s.value)))
TAG_TABLE = "TagName,TagIndex,TagType,TagDataType\n" + "".join(f"Pump\\{t},{n},2,0\n" for n, t in enumerate(TAGS))


def test_factorytalk_float_table(read: Read) -> None:
    holds_the_truth(read(FLOAT_TABLE.encode()), lambda tag: str(TAGS.index(tag)))


@pytest.mark.parametrize("names_first", [False, True])
def test_factorytalk_tag_table_names_the_tags(names_first: bool, read: Read) -> None:
    files = (TAG_TABLE.encode(), FLOAT_TABLE.encode()) if names_first else (FLOAT_TABLE.encode(), TAG_TABLE.encode())
    holds_the_truth(read(*files), lambda tag: f"Pump\\{tag}")


def test_factorytalk_with_milliseconds_and_good_words(read: Read) -> None:
    text = long_file(
        "Date;Time;Millitm;Tagname;Value;Status;Marker",
        lambda s: (
            f"{s.time:%d.%m.%Y};{s.time:%H:%M:%S};0;{s.tag};{comma(s.value)};{'B' if s.bad else 'G'};"
            f"{'S' if s.row == 0 else ''}"
        ),
    )
    holds_the_truth(read(text.encode()))
