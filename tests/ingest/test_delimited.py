"""Delimited text: what plants write, and what goes wrong on the way."""

from __future__ import annotations

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, values


def refused(read: Read, data: bytes, **options: object) -> SensorForgeError:
    with pytest.raises(SensorForgeError) as caught:
        read(data, **options)
    return caught.value


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(read: Read, delimiter: str) -> None:
    rows = [["time", "a", "b"], *[[f"2024-01-01 00:00:{i:02d}", f"{i}.5", str(i)] for i in range(50)]]
    dataset = read("\n".join(delimiter.join(r) for r in rows).encode())
    assert dataset.table.columns == ["source_row", "time", "a", "b"]
    assert values(dataset, "a")[3] == 3.5


def test_preamble_units_row_and_footer_are_told_from_data(read: Read) -> None:
    body = "".join(f"{i};{i},5;{20 + i},25\r\n" for i in range(1, 30))
    data = (
        "Report: pumps\r\nStation;North\r\n\r\nNo;Flow;Temp\r\n;m3/h;°C\r\n" + body + "Average;15,0;35,0\r\n"
    ).encode()
    dataset = read(data)
    assert dataset.table.height == 29
    assert dataset.units == {"Flow": "m3/h", "Temp": "°C"}
    lines = dataset.ledger["lines"]
    assert (lines["preamble"], lines["header"], lines["units"], lines["blank"]) == (2, 1, 1, 1)


def test_unbalanced_quote_costs_its_own_line_only(read: Read) -> None:
    good = "".join(f"{i},{i}.5\n" for i in range(1000))
    dataset = read(("a,b\n" + good + '7,"8\n' + good).encode())
    assert dataset.table.height == 2000
    assert dataset.rejects["reason"].to_list() == ["UNBALANCED_QUOTE"]
    assert dataset.rejects["line"].to_list() == [1002]


def test_two_unbalanced_quotes_do_not_swallow_the_rows_between_them(read: Read) -> None:
    good = [f"{i},{i}.5,ok\n" for i in range(300)]
    good[100], good[120] = '100,"100.5,ok\n', '120,120.5,ok"\n'
    dataset = read(("a,b,c\n" + "".join(good)).encode())
    assert dataset.table.height + dataset.rejects.height == 300
    assert set(range(101, 120)) <= set(dataset.table["a"].to_list())
    assert "UNBALANCED_QUOTE" in dataset.rejects["reason"].to_list()


def test_an_unclosed_quote_swallows_no_row_where_every_line_has_quotes(read: Read) -> None:
    lines = [f'"{i}","ok","x"\n' for i in range(100)]
    lines[50] = '"50","ok","\n'
    rows = read(("".join(['"a","b","c"\n', *lines])).encode(), raw=True).table
    assert set(map(str, range(51, 100))) <= set(rows["a"].to_list())
    assert rows.width == 4


def test_quoted_cell_may_hold_delimiter_quote_and_line_end(read: Read) -> None:
    dataset = read(b'id,note,v\n1,"a, ""b""\nc",1.5\n2,plain,2.5\n3,"",3.5\n')
    assert values(dataset, "note") == ['a, "b"\nc', "plain", None]
    assert dataset.ledger["lines"]["continuation"] == 1


def test_inch_mark_inside_a_field_is_text(read: Read) -> None:
    dataset = read(b'pipe,flow\n2" copper,1.5\n3" steel,2.5\n4" steel,3.5\n')
    assert values(dataset, "pipe")[0] == '2" copper'
    assert values(dataset, "flow") == [1.5, 2.5, 3.5]


def test_nul_bytes_reject_their_row_only(read: Read) -> None:
    dataset = read(b"a,b\n" + b"1,2\n" * 20 + b"3,\x00\x00\n5,6\n")
    assert values(dataset, "a")[-2:] == [1, 5]
    assert dataset.rejects["reason"].to_list() == ["NUL_BYTE"]


def test_missing_last_newline_keeps_a_whole_last_row(read: Read) -> None:
    assert values(read(b"a,b\n1,2\n3,4"), "b") == [2, 4]


def test_cut_last_line_is_rejected_not_padded(read: Read) -> None:
    dataset = read(b"a,b,c\n1,2,3\n4,5,6\n7,8")
    assert values(dataset, "a") == [1, 4]
    assert dataset.rejects["reason"].to_list() == ["TRUNCATED_LAST_LINE"]


def test_short_rows_are_padded_and_long_rows_rejected(read: Read) -> None:
    body = "".join(f"{i},{i},{i}\n" for i in range(100))
    dataset = read(("a,b,c\n" + body + "1,2\n1,2,3,4\n9\n").encode())
    assert values(dataset, "c")[100] is None
    assert dataset.rejects["reason"].to_list() == ["TOO_MANY_FIELDS", "TOO_FEW_FIELDS"]


def test_header_repeated_inside_is_rejected_not_read(read: Read) -> None:
    dataset = read(b"time,v\n1,2.5\n2,3.5\ntime,v\n3,4.5\n")
    assert values(dataset, "v") == [2.5, 3.5, 4.5]
    assert dataset.rejects["reason"].to_list() == ["REPEATED_HEADER"]


def test_duplicate_and_blank_headers_get_unique_names(read: Read) -> None:
    dataset = read(b"t,,v,v,v_2\n1,2,3,4,5\n2,3,4,5,6\n")
    assert dataset.table.columns == ["source_row", "t", "column_2", "v", "v_3", "v_2"]


def test_row_names_without_a_header_shift_the_names(read: Read) -> None:
    dataset = read(b"v,w\n1,2.5,3.5\n2,3.5,4.5\n3,4.5,5.5\n")
    assert dataset.table.columns == ["source_row", "column_1", "v", "w"]


def test_decimal_comma_and_thousands_point_are_read_exactly(read: Read) -> None:
    dataset = read(b"x;y\n1.234,50;0,04\n2.000,25;0,5\n-3,75;12,125\n")
    assert values(dataset, "x") == [1234.5, 2000.25, -3.75]
    assert facts(dataset)["decimal"] == ","


def test_dotted_dates_beside_decimal_commas_are_dates_not_numbers(read: Read) -> None:
    dataset = read(b"Datum;x\n" + b"".join(b"%02d.02.2024;1,5\n" % (i % 28 + 1) for i in range(60)))
    assert str(values(dataset, "Datum")[4]) == "2024-02-05 00:00:00"


def test_thousands_comma_is_read_exactly(read: Read) -> None:
    dataset = read(b"x;y\n1,234.50;1\n12,000.25;2\n999.5;3\n")
    assert values(dataset, "x") == [1234.5, 12000.25, 999.5]


def test_mixed_decimal_marks_are_read_cell_by_cell(read: Read) -> None:
    dataset = read(b"x;y\n1,5;2.25\n2,75;3.5\n3.125;4,5\n")
    assert values(dataset, "x") == [1.5, 2.75, 3.125]


def test_ambiguous_comma_is_refused_with_both_readings(read: Read) -> None:
    error = refused(read, b"n;x\n1;1,234\n2;5,678\n3;9,012\n")
    assert error.reason == "DECIMAL_AMBIGUOUS"
    assert "1.234" in error.message
    assert "1234" in error.message
    assert "--decimal" in error.remedy


def test_decimal_option_settles_the_comma(read: Read) -> None:
    data = b"n;x\n1;1,234\n2;5,678\n"
    assert values(read(data, decimal=","), "x") == [1.234, 5.678]
    assert values(read(data, decimal="."), "x") == [1234, 5678]


def test_quality_words_become_missing_and_are_counted(read: Read) -> None:
    body = "".join(f"{i}.5\n" for i in range(50))
    dataset = read(("v\n" + body + "Bad\n#N/A\nI/O Timeout\nBad\n").encode())
    assert dataset.table["v"].null_count() == 4
    column = dataset.ledger["files"][0]["columns"]["v"]
    assert column["tokens"] == {"Bad": 2, "#N/A": 1, "I/O Timeout": 1}
    assert column["lines"]["Bad"] == [52, 55]


def test_stray_text_in_a_number_column_is_missing_and_reported(read: Read) -> None:
    dataset = read(("v,w\n" + "".join(f"{i}.5,{i}\n" for i in range(50)) + "pump swapped,50\n").encode())
    assert dataset.table["v"].null_count() == 1
    assert dataset.ledger["cells"]["unparsable"] == 1
    assert dataset.warnings[0][0] == "UNPARSABLE_CELLS"


def test_same_unit_in_every_cell_is_taken_off(read: Read) -> None:
    dataset = read(b"t;p\n1;12.5 bar\n2;12.75 bar\n3;13 bar\n")
    assert values(dataset, "p") == [12.5, 12.75, 13.0]
    assert dataset.units["p"] == "bar"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Öldruck;°C\n1,5;20\n2,5;21\n"),
        ("utf-16", "Öldruck;°C\n1,5;20\n2,5;21\n"),
        ("utf-16-le", "Öldruck;°C\n1,5;20\n2,5;21\n"),
        ("cp1252", "Öldruck;°C\n1,5;20\n2,5;21\n"),
        ("shift_jis", "温度計;圧力\n1.5;20\n2.5;21\n"),
        ("gb18030", "轴承温度;电机电流\n1.5;20\n2.5;21\n"),
    ],
)
def test_encoding_is_found(read: Read, encoding: str, text: str) -> None:
    assert read(text.encode(encoding)).table.columns[1:] == text.split("\n")[0].split(";")


def test_degree_sign_alone_does_not_make_a_file_thai(read: Read) -> None:
    dataset = read("t;temp [°C]\n1;20.5\n2;21.5\n".encode("cp1252"))
    assert facts(dataset)["encoding"] == "cp1252"
    assert dataset.units == {"temp [°C]": "°C"}


def test_options_replace_the_detection(read: Read) -> None:
    data = b"x y\n1 2\n3 4\n"
    dataset = read(data, header_row=0, delimiter="whitespace", column_names=("a", "b"))
    assert dataset.table.columns == ["source_row", "a", "b"]
    assert values(dataset, "a") == ["x", "1", "3"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n\n  \n", "EMPTY_FILE"),
        (b"time,v1,v2\n", "NO_ROWS"),
        (bytes(range(256)) * 40, "NOT_A_TABLE"),
        (b"%PDF-1.7\n" + b"x" * 500, "FORMAT_UNSUPPORTED"),
        (b"PAR1" + b"\x00" * 100, "FILE_CORRUPT"),
        (b"PK\x03\x04" + b"\x00" * 100, "FILE_CORRUPT"),
        (b"\x1f\x8b\x08\x00broken", "FILE_CORRUPT"),
        (b"<html><body><table></table></body></html>", "FORMAT_UNSUPPORTED"),
        (
            b"This is a letter to the plant manager about the pumps.\nIt has several lines of prose and no table.\n"
            * 5,
            "NOT_A_TABLE",
        ),
    ],
)
def test_file_that_is_no_table_is_refused_by_name(read: Read, data: bytes, reason: str) -> None:
    error = refused(read, data, name="pumps.csv")
    assert error.reason == reason
    assert "pumps.csv" in error.message


def test_limits_are_enforced_before_reading(read: Read) -> None:
    from services.ingest.limits import Limits

    with pytest.raises(SensorForgeError) as caught:
        read(b"a,b\n1,2\n", limits=Limits(csv_bytes=4))
    assert caught.value.reason == "INGEST_LIMIT"
    with pytest.raises(SensorForgeError) as caught:
        read(
            ",".join(f"c{i}" for i in range(50)).encode() + b"\n" + b",".join(b"1" for _ in range(50)),
            limits=Limits(columns=10),
        )
    assert "columns" in caught.value.message


def test_raw_keeps_every_cell_as_text(read: Read) -> None:
    dataset = read(b"a;b\n007;1,5\nNaN;Bad\n", raw=True)
    assert dataset.table.drop("source_row").rows() == [("007", "1,5"), ("NaN", "Bad")]


def test_delimiter_at_the_end_of_rows_alone_does_not_shift_the_names(read: Read) -> None:
    rows = "".join(f"2024-01-01 00:00:{i:02d};{i},5;{20 + i};\r\n" for i in range(40))
    dataset = read(("time;flow;temp\r\n" + rows).encode())
    assert dataset.table.columns == ["source_row", "time", "flow", "temp"]
    assert values(dataset, "flow")[3] == 3.5


def test_blank_after_every_delimiter_is_no_part_of_a_raw_cell(read: Read) -> None:
    rows = "".join(f'{i}, "a, {i}", x {i}\n' for i in range(20))
    dataset = read(("n, label, note\n" + rows).encode(), raw=True)
    assert dataset.table.row(3)[1:] == ("3", "a, 3", "x 3")
    one_without = read(("n, label, note\n" + rows + "20,b, c\n").encode(), raw=True)
    assert one_without.table.row(3)[3] == " x 3"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp850", "Öldruck;Gerät;Wärme"),
        ("cp1252", "Öldruck;Größe;Prüfmaß"),
        ("cp1250", "Teplota ložiska;Průtok;Příkon"),
        ("cp1250", "Ciśnienie;Temperatura łożyska;Przepływ"),
        ("cp1254", "Sıcaklık;Basınç;Akış"),
        ("shift_jis", "測定レポート;圧力;軸受温度"),
    ],
)
def test_short_headers_of_an_old_encoding_are_spelt_right(encoding: str, text: str, read: Read) -> None:
    rows = "".join(f"{i};{i}.5;{i}.25\n" for i in range(20))
    assert read((text + "\n" + rows).encode(encoding)).table.columns[1:] == text.split(";")


def test_first_row_that_lacks_a_field_is_a_row(read: Read) -> None:
    rows = "".join(f"2024-01-01 00:00:{i:02d};{i}.5;{20 + i}\n" for i in range(1, 40))
    dataset = read(("time;flow;temp\n2024-01-01 00:00:00;0.5\n" + rows).encode())
    assert dataset.table.height == 40
    assert values(dataset, "temp")[0] is None


def test_units_in_cells_between_tabs_are_no_columns(read: Read) -> None:
    rows = "".join(f"2024-01-01 00:00:{i:02d}\t{i}.5 bar\t{20 + i} °C\n" for i in range(40))
    dataset = read(("time\toil pressure\ttemp\n" + rows).encode())
    assert values(dataset, "oil pressure")[3] == 3.5
    assert dataset.units == {"oil pressure": "bar", "temp": "°C"}


@pytest.mark.parametrize("first", ['1,"ha ""ha"" ha"', "1,some text", "1,", "Bad,NaN"])
def test_first_row_under_the_header_is_a_row_whatever_its_texts(first: str, read: Read) -> None:
    dataset = read(f"a,b\n{first}\n3,4\n5,6\n".encode())
    assert (dataset.table.height, dataset.ledger["lines"]["preamble"]) == (3, 0)


@pytest.mark.parametrize("delimiter", ["§", "¦", "||", "::", "+", "*", "?"])
def test_unusual_delimiters_are_found(delimiter: str, read: Read) -> None:
    dataset = read("a,b,c\n1,2,x y\n3,4,z\n".replace(",", delimiter).encode())
    assert dataset.table.drop("source_row").rows() == [(1, 2, "x y"), (3, 4, "z")]


def test_delimiter_of_several_bytes_in_quotes_stays_text(read: Read) -> None:
    dataset = read('a§b\n1§"x§y"\n2§z\n'.encode(), delimiter="§")
    assert dataset.table["b"].to_list() == ["x§y", "z"]


def test_delimiter_after_a_backslash_is_part_of_its_cell(read: Read) -> None:
    dataset = read(b"name,flow\nA\\,B,1.5\nC,2.5\nD\\\\,3.5\n")
    assert dataset.table.drop("source_row").rows() == [("A,B", 1.5), ("C", 2.5), ("D\\", 3.5)]


def test_quote_of_the_header_alone_is_a_quote(read: Read) -> None:
    assert read(b'"a ""x, y""",b,c\n1,2,3\n4,5,6\n').table.columns == ["source_row", 'a "x, y"', "b", "c"]


def test_apostrophes_around_texts_are_quotes(read: Read) -> None:
    dataset = read(b"'Harry''s':'IL':1.5\n'Shark City':'MI':2.5\n'Bay':'MI':3.5\n")
    assert dataset.table.drop("source_row").rows()[0] == ("Harry's", "IL", 1.5)


def test_lines_that_mostly_end_with_a_return_alone_are_lines(read: Read) -> None:
    dataset = read(b"a,b\r1,2\r\n3,4\r5,6\r7,8\n")
    assert dataset.table["b"].to_list() == [2, 4, 6, 8]


def test_file_whose_records_are_all_rejected_says_why(read: Read) -> None:
    with pytest.raises(SensorForgeError, match="UNBALANCED_QUOTE"):
        read(b'a,b\n1,"')


def test_quote_after_a_backslash_may_stand_last_in_its_cell(read: Read) -> None:
    dataset = read(b'1|A|text1\n2|A|"text\\"2\\""\n"3"|A|text3\n', raw=True)
    assert dataset.table["column_3"].to_list() == ["text1", 'text"2"', "text3"]


def test_return_alone_behind_a_quoted_cell_brings_no_reader_down(read: Read) -> None:
    rows = "".join(f'{i}|{i}|"p{i}"\n' for i in range(40))
    dataset = read((rows + '40|7|"p"\r41|8|"q"\n' + rows).encode())
    assert (dataset.table.height, dataset.rejects["reason"].to_list()) == (80, ["TOO_MANY_FIELDS"])


def test_row_that_the_end_of_the_file_cuts_off_is_a_reject(read: Read) -> None:
    rows = "".join(f"2024-01-01 00:00:{i:02d},{i}.5,{i}\n" for i in range(30))
    dataset = read(f"time,a,b\n{rows}2024-01-01 00:0".encode())
    assert (dataset.table.height, dataset.rejects["reason"].to_list()) == (30, ["TRUNCATED_LAST_LINE"])


def test_first_rows_that_are_short_of_fields_are_rows(read: Read) -> None:
    full = [f"2024-03-01 00:{r:02d}:00,{r}.5,1.5,2.5,3.5" for r in range(3, 12)]
    for fields, kept in ((2, 9), (3, 12)):
        short = [",".join([f"2024-03-01 00:{r:02d}:00", "1.5", "2.5"][:fields]) for r in range(3)]
        dataset = read("\n".join(["Time,A,B,C,D", *short, *full]).encode())
        assert dataset.table.height == kept
        assert dataset.ledger["lines"]["rejected"] == 12 - kept
        assert dataset.ledger["lines"]["preamble"] == 0
