"""Columns that say what samples of wide tables are worth: below a repeated tag, numbered, in front, in JSON."""

from __future__ import annotations

import json

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, comma, holds_the_truth, point, wide_file


def _bad(i: int, tag: str) -> bool:
    return (i, tag) in BAD


LAYOUTS = {
    "percent good under a repeated tag": wide_file(
        "Tag," + ",".join(f"{t},{t}" for t in TAGS) + "\r\nTimestamp," + ",".join("Value,% Good" for _ in TAGS),
        lambda i: (
            f"{TIMES[i]:%d-%b-%Y %H:%M:%S},"
            + ",".join(f"{point(VALUES[t][i])},{0 if _bad(i, t) else 100}" for t in TAGS)
        ),
    ),
    "numbered, behind all values": wide_file(
        "Timestamp," + ",".join(TAGS) + "," + ",".join(f"Quality{n + 1}" for n in range(len(TAGS))),
        lambda i: (
            f"{TIMES[i]:%Y-%m-%d %H:%M:%S},"
            + ",".join(point(VALUES[t][i]) for t in TAGS)
            + ","
            + ",".join("0" if _bad(i, t) else "192" for t in TAGS)
        ),
    ),
    "word of another language before the tag": wide_file(
        "Timestamp;" + ";".join(f"{t};Etat {t}" for t in TAGS),
        lambda i: (
            f"{TIMES[i]:%Y-%m-%d %H:%M:%S};"
            + ";".join(f"{comma(VALUES[t][i])};{'Invalide' if _bad(i, t) else 'Valide'}" for t in TAGS)
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_quality_column_decides(layout: str, read: Read) -> None:
    holds_the_truth(read(LAYOUTS[layout].encode()), time="Timestamp")


def test_numbered_qualities_that_are_not_as_many_as_the_values_decide_nothing(read: Read) -> None:
    text = wide_file("Timestamp,a,b,c,Quality1,Quality2", lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{i}.5,1,2,0,192")
    assert read(text.encode()).table["a"].null_count() == 0


ISO = [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in TIMES]
DOCUMENTS = {
    "times as keys": json.dumps(
        {
            ISO[i]: {t: {"value": VALUES[t][i], "quality": "bad" if _bad(i, t) else "good"} for t in TAGS}
            for i in range(ROWS)
        }
    ),
    "samples in an envelope": "\n".join(
        json.dumps(
            {
                "topic": "plant",
                "payload": {
                    "sent": 1,
                    "values": [{"id": t, "v": VALUES[t][i], "q": not _bad(i, t), "t": ISO[i]} for t in TAGS],
                },
            }
        )
        for i in range(ROWS)
    ),
    "a value alone where it is good": json.dumps(
        [
            {
                "timestamp": ISO[i],
                **{t: {"Value": VALUES[t][i], "StatusCode": 2147483648} if _bad(i, t) else VALUES[t][i] for t in TAGS},
            }
            for i in range(ROWS)
        ]
    ),
    "a list of messages a line": "\n".join(
        json.dumps(
            [{"tag": t, "time": ISO[i], "value": VALUES[t][i], "quality": 0 if _bad(i, t) else 192} for t in TAGS]
        )
        for i in range(ROWS)
    ),
}


@pytest.mark.parametrize("shape", sorted(DOCUMENTS))
def test_json_with_quality(shape: str, read: Read) -> None:
    dataset = read(DOCUMENTS[shape].encode(), name="samples.json")
    holds_the_truth(dataset, time=dataset.time_columns[0])


def test_states_behind_all_values_of_lines_that_end_with_a_delimiter(read: Read) -> None:
    rows = "".join(f"14.03.26 23:54:{i:02d};{i},5;{'Gut' if i % 9 else 'Schlecht'};4,{i};Gut;\n" for i in range(40))
    dataset = read(("Datum/Uhrzeit;Temp;Status;Druck;Status;\n" + rows + "\nAnzahl Zeilen: 40\n").encode())
    assert dataset.table.columns[1:] == ["Datum/Uhrzeit", "Temp", "Druck"]
    assert dataset.table["Temp"].null_count() == 5
