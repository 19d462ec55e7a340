"""Texts whose lines are no delimited records: values behind a time in brackets, and a field a line."""

from __future__ import annotations

import json

import pytest

from services.ingest.formats import field_lines, protected_cells, quoted_lines, stamped_lines
from tests.ingest.conftest import Read, facts, values

ROWS = range(12)


@pytest.mark.parametrize("brackets", ["[]", "<>", "()"])
@pytest.mark.parametrize("between", [" {a},{b}", ", {a},{b}", "\t{a}\t{b}", " {a}  {b}", ";{a};{b}"])
def test_a_time_in_brackets_is_the_first_column(read: Read, brackets: str, between: str) -> None:
    lines = (f"{brackets[0]}13/03/2024 22:{r:02d}:00{brackets[1]}" + between.format(a=r, b=r + 0.5) for r in ROWS)
    dataset = read(("Modbus Poll\n" + "\n".join(lines)).encode(), name="log.txt")
    assert facts(dataset)["format"] == "stamped_lines"
    assert dataset.table.height == 12
    assert len(dataset.time_columns) == 1
    assert dataset.table[:, -2].to_list() == list(ROWS)
    assert dataset.table[:, -1].to_list() == [r + 0.5 for r in ROWS]


@pytest.mark.parametrize(
    "line", ["[2024-03-13 22:00:00] pump started", "(2024-03-13) 1,2", "[1, 2, 3]", "<13/03/2024> <b>1</b>", "plain"]
)
def test_other_lines_in_brackets_are_not_taken_for_values(line: str) -> None:
    assert not stamped_lines.recognise(f"{line}\n" * 12)


STARS = "***************************"
RULED = {
    "psql": ("-[ RECORD {n} ]------\n", "time | {t}\nflow | {f}\nstate | {s}\n", ""),
    "mysql": (
        STARS + " {n}. row " + STARS + "\n",
        " time: {t}\n flow: {f}\nstate: {s}\n",
        "12 rows in set (0.00 sec)\n",
    ),
    "blank lines": ("\n", "Time  : {t}\nFlow  : {f}\nState : {s}\n", ""),
}


@pytest.mark.parametrize("kind", RULED)
def test_a_field_a_line_is_a_column(read: Read, kind: str) -> None:
    rule, fields, end = RULED[kind]
    records = (
        rule.format(n=r + 1)
        + fields.format(t=f"2024-03-13 22:{r:02d}:00", f="NULL" if r == 4 else r + 0.5, s="a: b" if r else "on")
        for r in ROWS
    )
    dataset = read(("".join(records) + end).encode(), name="answer.txt")
    time, flow, state = (n for n in dataset.table.columns if n != "source_row")
    assert dataset.time_columns == [time]
    assert values(dataset, flow) == [None if r == 4 else r + 0.5 for r in ROWS]
    assert values(dataset, state) == ["a: b" if r else "on" for r in ROWS]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["lines"]["preamble"] == 0


def test_a_value_may_go_on_over_lines(read: Read) -> None:
    text = "".join(f"-[ RECORD {r + 1} ]-\nflow | {r}.5\nnote | one +\n     | two\n" for r in ROWS)
    assert set(values(read(text.encode(), name="answer.txt"), "note")) == {"one\ntwo"}


def test_a_line_without_a_field_is_a_reject(read: Read) -> None:
    records = [f"Flow: {r}.5\nTemp: 7\n" for r in ROWS]
    dataset = read(("\n".join([*records[:10], "?? 12\n", *records[10:]])).encode(), name="answer.txt")
    assert values(dataset, "Flow") == [r + 0.5 for r in ROWS]
    assert dataset.rejects.select("source_row", "line", "text").rows() == [(10, 31, "?? 12")]


def test_a_record_may_lack_a_field(read: Read) -> None:
    text = "".join(f"-[ RECORD {r + 1} ]-\nflow | {r}.5\n" + ("temp | 7\n" if r > 2 else "") for r in ROWS)
    assert values(read(text.encode(), name="answer.txt"), "temp") == [None] * 3 + [7] * 9


@pytest.mark.parametrize(
    "text",
    [
        "Site: A\nLogger: 7\n\nTime,Flow\n" + "\n".join(f"2024-03-13 22:{r:02d}:00,{r}" for r in ROWS),
        "Dear all:\nnothing here\n\nbest: regards\n",
        "a: 1\n\nb: 2\n\nc: 3\n\nd: 4\n",
    ],
)
def test_other_texts_are_no_fields(text: str) -> None:
    assert not field_lines.recognise(text)


def test_json_behind_a_topic_is_read_whatever_the_file_is_called(read: Read) -> None:
    lines = (
        f"spBv1.0/G/DDATA/E {json.dumps({'timestamp': 1710370500000 + 60_000 * r, 'flow': r + 0.5})}" for r in ROWS
    )
    assert values(read("\n".join(lines).encode(), name="dump.jsonl"), "flow") == [r + 0.5 for r in ROWS]


def test_lines_that_stand_in_quotes_as_a_whole_are_opened(read: Read) -> None:
    lines = ['"time,flow,note"', *(f'"2024-03-13 22:{r:02d}:00,{r}.5,""a, b"""' for r in ROWS)]
    dataset = read("\n".join(lines).encode())
    assert facts(dataset)["format"] == "quoted_lines"
    assert values(dataset, "flow") == [r + 0.5 for r in ROWS]
    assert set(values(dataset, "note")) == {"a, b"}


@pytest.mark.parametrize("line", ['"a","b"', '"one sentence, and more"', '"a;b" c', "a,b"])
def test_other_quotes_stay(line: str) -> None:
    assert not quoted_lines.recognise("".join(f"{line}{', x' * (n % 3) if 'more' in line else ''}\n" for n in ROWS))


def test_cells_that_excel_is_kept_from_converting_are_read(read: Read) -> None:
    lines = ['Time;="Flow";Id', *(f'="2024-03-13 22:{r:02d}:00";="{r},5";="00{r}"' for r in ROWS)]
    dataset = read("\n".join(lines).encode())
    assert facts(dataset)["format"] == "protected_cells"
    assert values(dataset, "Flow") == [r + 0.5 for r in ROWS]
    assert values(dataset, "Id")[3] == "003"
    assert dataset.time_columns == ["Time"]


@pytest.mark.parametrize("line", ['a="1", b="2"', 'note;x ="y"', '=SUM("A1");2'])
def test_other_equal_signs_stay(line: str) -> None:
    assert not protected_cells.recognise(f"{line}\n" * 12)
