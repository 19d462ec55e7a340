"""Modbus logs: every type, word and byte order, address base, scale, bit field and sentinel, wide and long."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts
from tests.ingest.vendors.truth import ROWS, TAGS, TIMES, VALUES, holds_the_truth

_CODES = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "uint64": ">Q",
    "float64": ">d",
}


def words(value: float, kind: str, order: str = "ABCD") -> list[int]:
    """Returns the 16-bit registers of a number; letters name its bytes from the most significant on."""
    data = struct.pack(_CODES[kind], value if kind.startswith("float") else round(value))
    registers = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        registers.reverse()
    if order in ("BADC", "DCBA"):
        registers = [r[::-1] for r in registers]
    return [int.from_bytes(r, "big") for r in registers]


Layout = Sequence[tuple[str, str, float, str]]
"""Tag, type, factor by which the device multiplied, order."""
PLAIN: Layout = (
    ("Flow", "int16", 1000, "ABCD"),
    ("Temp", "float64", 1, "CDAB"),
    ("Count", "uint32", 1, "ABCD"),
    ("Run", "uint16", 1, "ABCD"),
)


def wide(layout: Layout, first: int, name: str = "{}") -> str:
    """Returns a log with a column a register."""
    rows = []
    for i in range(ROWS):
        cells = [w for tag, kind, factor, order in layout for w in words(VALUES[tag][i] * factor, kind, order)]
        rows.append(f"{TIMES[i]:%Y-%m-%d %H:%M:%S},1,3," + ",".join(map(str, cells)))
    count = rows[0].count(",") - 2
    names = ",".join(name.format(first + k) for k in range(count))
    return f"Timestamp,UnitId,Function,{names}\n" + "\n".join(rows) + "\n"


def register_map(layout: Layout, first: int, extra: str = "", head: str = "address,name,type,scale,unit,note") -> str:
    lines, at = [head], first
    for tag, kind, factor, order in layout:
        lines.append(f"{at},{tag},{kind},{1 / factor:g},bar,{order if len(words(0, kind)) > 1 else ''}")
        at += len(words(0, kind))
    return "\n".join(lines) + "\n" + extra


@pytest.fixture
def decode(read: Read, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Reads a log with a register map."""

    def decode_it(log: str, text: str):  # type: ignore[no-untyped-def]
        path = tmp_path / "map.csv"
        path.write_text(text, encoding="utf-8")
        return read(log.encode(), register_map=path)

    return decode_it


BASES = [(40001, 40001), (0, 0), (1, 1), (0, 1), (1, 0), (40001, 0), (40001, 1), (0, 40001), (30001, 0), (400001, 0)]


@pytest.mark.parametrize(("column", "entry"), [*BASES, (4096, 4096)])
def test_address_bases(column: int, entry: int, decode) -> None:  # type: ignore[no-untyped-def]
    holds_the_truth(decode(wide(PLAIN, column), register_map(PLAIN, entry)), bad=False, time="Timestamp")


@pytest.mark.parametrize("name", ["Reg {}", "HR{}", "register_{}", "Holding Register {}", "R[{}]", "%MW{}", "4x{:05d}"])
def test_names_of_register_columns(name: str, decode) -> None:  # type: ignore[no-untyped-def]
    holds_the_truth(decode(wide(PLAIN, 100, name), register_map(PLAIN, 100)), bad=False, time="Timestamp")


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "int64"])
def test_word_and_byte_orders(order: str, stated: bool, kind: str, decode) -> None:  # type: ignore[no-untyped-def]
    layout = [(t, kind, 1000 if kind.startswith("int") else 1, order) for t in ("Flow", "Temp", "Count")]
    text = register_map(layout, 0)
    dataset = decode(wide(layout, 0), text if stated else text.replace(order, ""))
    for tag in ("Flow", "Temp", "Count"):
        gap = (dataset.table[tag] - dataset.table[tag].__class__(VALUES[tag])).abs().max()
        assert gap < 1e-4, tag


@pytest.mark.parametrize("words_of_order", ["big", "big-endian", "high word first", "MSW first", "0-1-2-3", "ABCD"])
def test_orders_in_words(words_of_order: str, decode) -> None:  # type: ignore[no-untyped-def]
    head = "Register;Tag;Datatype;Factor;Unit;Word order"
    text = register_map(PLAIN, 0, head="x").replace("x\n", "").replace(",", ";")
    text = text.replace("ABCD", words_of_order)
    holds_the_truth(decode(wide(PLAIN, 0), head + "\n" + text), bad=False, time="Timestamp")


def test_german_map_with_decimal_comma(decode) -> None:  # type: ignore[no-untyped-def]
    text = "Adresse;Bezeichnung;Datentyp;Faktor;Einheit;Bemerkung\n0;Flow;INT;0,001;m³/h;\n1;Temp;LREAL;1;°C;CDAB\n"
    text += "5;Count;UDINT;1;;\n7;Run;UINT;1;;\n"
    dataset = decode(wide(PLAIN, 0), text)
    holds_the_truth(dataset, bad=False, time="Timestamp")
    assert dataset.units["Temp"] == "°C"


def test_divisor_and_offset(decode) -> None:  # type: ignore[no-untyped-def]
    layout: Layout = (("Flow", "int16", 1000, ""), ("Temp", "uint16", 100, ""), ("Count", "uint16", 1, ""))
    text = "address,name,type,divisor,offset\n0,Flow,int16,1000,0\n1,Temp,uint16,100,-40\n2,Count,uint16,1,10\n"
    table = decode(wide(layout, 0), text).table
    assert table["Flow"].to_list() == VALUES["Flow"]
    assert table["Temp"].to_list() == pytest.approx([v - 40 for v in VALUES["Temp"]])
    assert table["Count"].to_list() == [v + 10 for v in VALUES["Count"]]


def test_bits_of_a_register(decode) -> None:  # type: ignore[no-untyped-def]
    log = "Timestamp,40001\n" + "".join(
        f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{int(VALUES['Run'][i]) << 3 | 1}\n" for i in range(ROWS)
    )
    by_note = decode(log, "address,name,type,note\n40001,status,uint16,bit 0 = ready; bit 3 = Run\n").table
    assert by_note["Run"].to_list() == VALUES["Run"]
    assert by_note["ready"].to_list() == [1] * ROWS


@pytest.mark.parametrize("address", ["40001.3", "40001:3", "40001/3"])
def test_bit_in_the_address(address: str, decode) -> None:  # type: ignore[no-untyped-def]
    log = "Timestamp,40001\n" + "".join(
        f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{int(VALUES['Run'][i]) << 3 | 1}\n" for i in range(ROWS)
    )
    table = decode(log, f"address,name,type\n{address},Run,bool\n").table
    assert table["Run"].to_list() == VALUES["Run"]


def test_sentinels_are_missing(decode) -> None:  # type: ignore[no-untyped-def]
    log = "Timestamp,0,1,2,3\n2024-03-14 05:58:00,32768,65535,32768,0\n2024-03-14 05:58:10,32767,7,0,1\n"
    log += "2024-03-14 05:58:20,5,8,16457,4059\n"
    table = decode(log, "address,name,type\n0,a,int16\n1,b,uint16\n2,c,float32\n").table
    assert table["a"].to_list() == [None, None, 5]
    assert table["b"].to_list() == [None, 7, 8]


def test_log_of_one_register_a_line(decode) -> None:  # type: ignore[no-untyped-def]
    lines = ["timestamp;unit_id;function;register;value"]
    for i in range(ROWS):
        at = 40001
        for tag, kind, factor, order in PLAIN:
            for word in words(VALUES[tag][i] * factor, kind, order):
                lines.append(f"{TIMES[i]:%d.%m.%Y %H:%M:%S};1;3;{at};{word}")
                at += 1
    dataset = decode("\n".join(lines) + "\n", register_map(PLAIN, 40001))
    holds_the_truth(dataset, bad=False)


def test_registers_written_in_hexadecimal(decode) -> None:  # type: ignore[no-untyped-def]
    log = wide(PLAIN, 0)
    head, *rows = log.splitlines()
    body = []
    for row in rows:
        time, unit, function, *cells = row.split(",")
        body.append(",".join([time, unit, function, *(f"0x{int(c):04X}" for c in cells)]))
    dataset = decode("\n".join([head, *body]) + "\n", register_map(PLAIN, 0))
    holds_the_truth(dataset, bad=False, time="Timestamp")


def test_registers_in_bare_hexadecimal_are_no_powers_of_ten(decode) -> None:  # type: ignore[no-untyped-def]
    log = "Time,Reg 5 [hex]\n" + "".join(f"{t:%Y-%m-%d %H:%M:%S},{i + 0x1E00:04X}\n" for i, t in enumerate(TIMES))
    dataset = decode(log, "address,name,type\n5,Count,uint16\n")
    assert dataset.table["Count"].to_list() == [i + 0x1E00 for i in range(ROWS)]


REQUESTS = {
    "one block a line": (
        "time,slave,start,count,registers",
        lambda t, block: [f'{t},1,10,{len(block)},"{" ".join(f"{w:04X}" for w in block)}"'],
    ),
    "two requests a time": (
        "Time,Unit,F,Address,Length,Data",
        lambda t, block: [
            f"{t},1,3,10,5,{' '.join(map(str, block[:5]))}",
            f"{t},1,3,15,{len(block) - 5},{' '.join(map(str, block[5:]))}",
        ],
    ),
}


@pytest.mark.parametrize("log", sorted(REQUESTS))
def test_answers_of_several_registers_in_a_cell(log: str, decode) -> None:  # type: ignore[no-untyped-def]
    header, lines_of = REQUESTS[log]
    lines = [header]
    for i, time in enumerate(TIMES):
        block = [w for tag, kind, factor, order in PLAIN for w in words(VALUES[tag][i] * factor, kind, order)]
        lines += lines_of(f"{time:%Y-%m-%d %H:%M:%S}", block)
    dataset = decode("\n".join(lines) + "\n", register_map(PLAIN, 10))
    holds_the_truth(dataset, bad=False, time=dataset.time_columns[0])


def test_one_address_is_a_coil_and_a_register(decode) -> None:  # type: ignore[no-untyped-def]
    lines = ["ts;FC;Addr;Value"]
    for i, time in enumerate(TIMES):
        at = f"{time:%d.%m.%Y %H:%M:%S}"
        lines += [f"{at};3;5;{VALUES['Count'][i]:.0f}", f"{at};1;5;{VALUES['Run'][i]:.0f}"]
    dataset = decode("\n".join(lines) + "\n", "address,name,type\n5,Count,uint16\n5,Run,coil\n")
    holds_the_truth(dataset, bad=False, tags=["Count", "Run"])


def test_columns_of_coils_stand_beside_those_of_registers(decode) -> None:  # type: ignore[no-untyped-def]
    rows = (f"{t:%Y-%m-%d %H:%M:%S},{VALUES['Run'][i]:.0f},{VALUES['Count'][i]:.0f}" for i, t in enumerate(TIMES))
    log = "\n".join(["time,Coil 1,HR1", *rows]) + "\n"
    dataset = decode(log, "address,name,type\n1,Run,bool\n1,Count,uint16\n")
    holds_the_truth(dataset, bad=False, tags=["Count", "Run"], time="time")


def test_map_as_json(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(
        '{"registers": [{"address": 0, "name": "Flow", "type": "int16", "scale": 0.001},'
        '{"address": 1, "name": "Temp", "type": "float64", "word_order": "CDAB"},'
        '{"address": 5, "name": "Count", "type": "uint32"}, {"address": 7, "name": "Run", "type": "uint16"}]}'
    )
    dataset = read(wide(PLAIN, 0).encode(), register_map=path)
    holds_the_truth(dataset, bad=False, time="Timestamp")
    assert facts(dataset)["layout"] == "modbus"


def test_map_without_types_is_refused_by_row(decode) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SensorForgeError) as caught:
        decode(wide(PLAIN, 0), "address,name,type\n0,Flow,int16\n1,Temp,complex\n")
    assert caught.value.reason == "REGISTER_MAP_INVALID"
    assert "Row 2" in caught.value.message
    assert TAGS[1] in caught.value.message


@pytest.mark.parametrize("scale", ["0", "1e400", "1e-320", "1/0"])
def test_scale_that_no_device_has_is_refused_by_row(scale: str, decode) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SensorForgeError, match="Row 1 of the register map") as caught:
        decode(wide(PLAIN, 0), f"address,name,type,scale\n0,Flow,int16,{scale}\n")
    assert caught.value.reason == "REGISTER_MAP_INVALID"


def test_offset_is_the_address_where_there_is_no_other(decode) -> None:  # type: ignore[no-untyped-def]
    dataset = decode(wide(PLAIN, 0), "offset,name,type,scale\n0,Flow,int16,0.001\n")
    assert dataset.table["Flow"].to_list() == VALUES["Flow"]


def test_a_log_may_be_keyed_by_address(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("address,name,type\n40001,Flow,uint16\n40002,Temp,uint16\n")
    records = (
        f'{{"timestamp": "2024-03-01T00:{r:02d}:00Z", "registers": {{"40001": {r}, "40002": {r + 200}}}}}'
        for r in range(12)
    )
    dataset = read("\n".join(records).encode(), name="log.json", register_map=path)
    assert dataset.table["Flow"].to_list() == list(range(12))
    assert dataset.table["Temp"].to_list() == [r + 200 for r in range(12)]
