"""Tables that lie on their side, one line a tag and one column a time, are turned; others are left as they are."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ingest.conftest import Read, facts, values

TIMES = [f"2024-01-13 00:00:{i:02d}" for i in range(20)]
TAGS = {"PT101": "bar", "TT204": "°C", "FT33": "m³/h"}


def on_its_side(head: str, delimiter: str, line: str, mark: str = ".") -> bytes:
    lines = [delimiter.join([head, *TIMES])]
    for number, (tag, unit) in enumerate(TAGS.items()):
        cells = ["Bad" if i == 3 else f"{i}{mark}{number}" for i in range(20)]
        lines.append(delimiter.join([line.format(tag=tag, unit=unit), *cells]))
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "data",
    [
        on_its_side("Tag", ",", "{tag}"),
        on_its_side("", ";", "{tag}", ","),
        on_its_side("Tag\tUnit", "\t", "{tag}\t{unit}"),
    ],
)
def test_each_line_becomes_a_column(read: Read, data: bytes) -> None:
    dataset = read(data)
    assert dataset.table.columns == ["source_row", "timestamp", *TAGS]
    assert dataset.table["timestamp"][1] == dt.datetime(2024, 1, 13, 0, 0, 1, tzinfo=dt.UTC)
    assert values(dataset, "TT204")[:5] == [0.1, 1.1, 2.1, None, 4.1]
    assert dataset.ledger["lines"]["rows"] == 3
    assert facts(dataset)["layout"] == "transposed"


def test_units_beside_the_tags_are_units(read: Read) -> None:
    assert read(on_its_side("Tag;Unit", ";", "{tag};{unit}")).units == TAGS


@pytest.mark.parametrize(
    "lines",
    [
        ["Date," + ",".join(f"{h:02d}:00" for h in range(9)), *(f"2024-01-{d:02d}" + ",1.5" * 9 for d in range(1, 9))],
        [f"Batch {i}" + f",2024-01-{i + 13} 10:00:00" * 3 for i in range(9)],
    ],
)
def test_hours_beside_days_and_times_below_times_are_not_turned(read: Read, lines: list[str]) -> None:
    assert "layout" not in facts(read("\n".join(lines).encode()))
