"""Files that were put one after another: marks, headers and units rows come again between the rows."""

from __future__ import annotations

import codecs

import pytest

from tests.ingest.conftest import Read, values

HEADER, UNITS = "Time;PT101;TT204\r\n", ";bar;°C\r\n"


def day(number: int) -> str:
    return "".join(f"2024-01-{number:02d} 00:00:{i:02d};{i},5;{i},25\r\n" for i in range(20))


@pytest.mark.parametrize("again", [HEADER, ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_marks_of_byte_order_between_files_are_no_text(read: Read, again: str, encoding: str) -> None:
    dataset = read(("\ufeff" + HEADER + day(1) + "\ufeff" + again + day(2)).encode(encoding))
    assert dataset.table.columns == ["source_row", "Time", "PT101", "TT204"]
    assert dataset.table["Time"].null_count() == 0
    assert dataset.table.height == 40
    assert dataset.rejects.height == bool(again)


def test_a_mark_cut_by_the_end_of_a_block_is_found(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    data = codecs.BOM_UTF8 + (HEADER + day(1) + "\ufeff" + day(2)).encode()
    for size in range(len(data) // 2 - 4, len(data) // 2 + 8):
        monkeypatch.setattr("services.ingest.formats.text_file._BLOCK", size)
        assert read(data).table["Time"].null_count() == 0


def test_the_units_row_again_is_no_row(read: Read) -> None:
    dataset = read("".join(HEADER + UNITS + day(n) for n in (1, 2, 3)).encode())
    assert dataset.table.height == 60
    assert dataset.rejects["reason"].to_list() == ["REPEATED_HEADER"] * 4
    assert dataset.units == {"PT101": "bar", "TT204": "°C"}


@pytest.mark.parametrize("cells", ["+ 5,06{i};-   3,{i}", "5,0{i};3,{i}-", "1’005,{i}6;3,{i}"])
def test_signs_apart_from_digits_show_the_decimal_comma(read: Read, cells: str) -> None:
    rows = "".join(f"2024-01-13 00:00:{i:02d};" + cells.format(i=i) + "\n" for i in range(10, 30))
    table = read(("Time;A;B\n" + rows).encode()).table
    assert table["A"].dtype.is_float()
    assert table["B"].dtype.is_float()


def test_a_broken_file_is_refused_before_its_rejects_fill_the_memory(read: Read) -> None:
    from services.chassis.errors import SensorForgeError
    from services.ingest.limits import Limits

    data = (HEADER + day(1) + '2024-01-02 00:00:00;"' + "x\r\n" * 3000 + '";1\r\n' + day(3)).encode()
    with pytest.raises(SensorForgeError, match="a quote is opened that none closes") as refused:
        read(data, limits=Limits(rejects=1000))
    assert refused.value.reason == "INGEST_LIMIT"
    assert values(read(data), "TT204")[-1] == 19.25
