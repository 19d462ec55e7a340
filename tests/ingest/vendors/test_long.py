"""Long exports of no particular vendor: times of every kind, locales, headings in several languages, no heading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from services.ingest.datasets import read_dataset
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from tests.ingest.conftest import Read, facts
from tests.ingest.vendors.truth import BAD, TAGS, VALUES, Sample, comma, holds_the_truth, long_file, point, samples


def seconds(s: Sample) -> int:
    return int(s.time.timestamp())


CLOCKS: dict[str, Callable[[Sample], str]] = {
    "ISO with Z": lambda s: f"{s.time:%Y-%m-%dT%H:%M:%SZ}",
    "ISO with ms": lambda s: f"{s.time:%Y-%m-%dT%H:%M:%S}.000Z",
    "ISO with us": lambda s: f"{s.time:%Y-%m-%d %H:%M:%S}.000000",
    "ISO with 7 digits and offset": lambda s: (
        f"{s.time.astimezone(dt.timezone(dt.timedelta(hours=2))):%Y-%m-%dT%H:%M:%S}.0000000+02:00"
    ),
    "ISO with comma": lambda s: f'"{s.time:%Y-%m-%d %H:%M:%S},000"',
    "offset without colon": lambda s: (
        f"{s.time.astimezone(dt.timezone(dt.timedelta(hours=-5))):%Y-%m-%d %H:%M:%S}-0500"
    ),
    "basic": lambda s: f"{s.time:%Y%m%dT%H%M%SZ}",
    "digits": lambda s: f"{s.time:%Y%m%d%H%M%S}",
    "epoch s": lambda s: str(seconds(s)),
    "epoch s with fraction": lambda s: f"{seconds(s)}.000",
    "epoch ms": lambda s: str(seconds(s) * 1000),
    "epoch us": lambda s: str(seconds(s) * 1_000_000),
    "epoch ns": lambda s: str(seconds(s) * 1_000_000_000),
    "FILETIME": lambda s: str((seconds(s) + 11_644_473_600) * 10_000_000),
    ".NET ticks": lambda s: str((seconds(s) + 62_135_596_800) * 10_000_000),
    "Excel days": lambda s: f"{s.time.timestamp() / 86_400 + 25_569:.9f}",
    "day first": lambda s: f"{s.time:%d/%m/%Y %H:%M:%S}",
    "month first, 12 hours": lambda s: (
        f"{s.time.month}/{s.time.day}/{s.time:%Y} {s.time.hour % 12 or 12}:{s.time:%M:%S %p}"
    ),
    "month name": lambda s: f"{s.time:%d-%b-%Y %H:%M:%S}",
    "month name, short year": lambda s: f"{s.time:%d-%b-%y %H:%M:%S}.000",
    "Java": lambda s: f"{s.time:%a %b %d %H:%M:%S} UTC {s.time:%Y}",
    "C": lambda s: f"{s.time:%a %b %d %H:%M:%S %Y}",
    "mail": lambda s: f'"{s.time:%a, %d %b %Y %H:%M:%S} GMT"',
    "milliseconds after a colon": lambda s: f"{s.time:%Y-%m-%d %H:%M:%S}:000",
    "named zone": lambda s: f"{s.time:%Y-%m-%d %H:%M:%S} UTC",
}


@pytest.mark.parametrize("clock", sorted(CLOCKS))
def test_time_of_every_kind_is_read_exactly(clock: str, read: Read) -> None:
    text = long_file(
        "tag,timestamp,value,quality",
        lambda s: f"{s.tag},{CLOCKS[clock](s)},{point(s.value)},{'Bad' if s.bad else 'Good'}",
    )
    holds_the_truth(read(text.encode()))


QUALITIES: dict[str, Callable[[bool], str]] = {
    "words": lambda bad: "Bad" if bad else "Good",
    "capitals": lambda bad: "BAD" if bad else "GOOD",
    "OPC DA": lambda bad: "0" if bad else "192",
    "OPC DA extended": lambda bad: "4" if bad else "216",
    "OPC DA with text": lambda bad: "Bad, Not Connected (8)" if bad else "Good, non-specific (192)",
    "OPC DA in brackets": lambda bad: "BAD [0]" if bad else "GOOD [192]",
    "OPC DA hexadecimal": lambda bad: "0x00" if bad else "0xC0",
    "OPC DA hexadecimal, bare": lambda bad: "C0" if not bad else "1C",
    "OPC UA decimal": lambda bad: "2147483648" if bad else "0",
    "OPC UA negative": lambda bad: "-2147483648" if bad else "0",
    "OPC UA uncertain": lambda bad: "1083179008" if bad else "0",
    "OPC UA hexadecimal": lambda bad: "0x80050000" if bad else "0x00000000",
    "OPC UA words": lambda bad: "BadCommunicationError" if bad else "Good",
    "OPC UA code and word": lambda bad: "0x800A0000 (BadTimeout)" if bad else "0x00000000 (Good)",
    "uncertain is not good": lambda bad: "Uncertain" if bad else "Good",
    "true and false": lambda bad: "False" if bad else "True",
    "percent": lambda bad: "0" if bad else "100",
    "percent sign": lambda bad: "0%" if bad else "100%",
    "letters": lambda bad: "B" if bad else "G",
    "ok": lambda bad: "FAULT" if bad else "OK",
    "blank is good": lambda bad: "E" if bad else "",
}


@pytest.mark.parametrize("scheme", sorted(QUALITIES))
def test_quality_of_every_scheme_decides(scheme: str, read: Read) -> None:
    text = long_file(
        "tag;timestamp;value;quality",
        lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{point(s.value)};{QUALITIES[scheme](s.bad)}",
    )
    holds_the_truth(read(text.encode()))


@pytest.mark.parametrize(
    ("header", "bad", "good"),
    [
        ("valid", "0", "1"),
        ("is_bad", "1", "0"),
        ("invalid", "true", "false"),
        ("isGood", "false", "true"),
        ("Questionable", "True", "False"),
    ],
)
def test_name_of_a_flag_says_which_way_it_points(header: str, bad: str, good: str, read: Read) -> None:
    text = long_file(
        f"tag;timestamp;value;{header}",
        lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{point(s.value)};{bad if s.bad else good}",
    )
    holds_the_truth(read(text.encode()))


HEADINGS = [
    "Tag;Timestamp;Value;Quality",
    "Messstelle;Zeitstempel;Messwert;Güte",
    "Kanal;Datum/Zeit;Wert;Status",
    "Bezeichnung;Zeitpunkt;Istwert;Gültigkeit",
    "Variable;Date/Heure;Valeur;Qualité",
    "Repère;Horodate;Valeur;Validité",
    "Etiqueta;Fecha y hora;Valor;Calidad",
    "Variabile;Data/Ora;Valore;Qualità",
    "Point Name;Time Stamp (UTC);Point Value;Point Status",
    "Signal Name;Sample Time;Sample Value;Data Quality",
    "tag_name;event_time;tag_value;quality_code",
    "Item ID;Item Timestamp;Item Value;Item Quality",
    "变量;时间;值;质量",
    "KKS;Zeit;Wert;Qualität",
]


@pytest.mark.parametrize("header", HEADINGS)
def test_headings_of_several_languages(header: str, read: Read) -> None:
    text = long_file(
        header, lambda s: f"{s.tag};{s.time:%d.%m.%Y %H:%M:%S};{comma(s.value)};{0 if s.bad else 192}", end="\n"
    )
    holds_the_truth(read(text.encode()))


ORDERS = {
    "time first": ("Time,Tag,Value,Quality", "{t},{g},{v},{q}"),
    "value last": ("Quality,Tag,Time,Value", "{q},{g},{t},{v}"),
    "row numbers": (",Tag,Time,Value,Quality", "{n},{g},{t},{v},{q}"),
    "units and remarks": ("Tag,Description,Time,Value,Units,Quality,Comment", "{g},pump {g},{t},{v},bar,{q},"),
    "no heading": ("", "{g},{t},{v},{q}"),
    "no heading, time first": ("", "{t},{g},{v},{q}"),
    "headings that say nothing": ("A,B,C,D", "{g},{t},{v},{q}"),
}


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("by_tag", [False, True])
def test_order_of_columns_and_lines_does_not_matter(order: str, by_tag: bool, read: Read) -> None:
    header, line = ORDERS[order]

    def written(s: Sample) -> str:
        return line.format(
            g=s.tag, t=f"{s.time:%Y-%m-%d %H:%M:%S}", v=point(s.value), q="Bad" if s.bad else "Good", n=s.row
        )

    dataset = read(long_file(header, written, by_tag=by_tag).encode())
    holds_the_truth(dataset)
    if "Units" in header:
        assert dataset.units == dict.fromkeys(("Flow", "Temp", "Count", "Run"), "bar")


def test_footers_are_no_samples(read: Read) -> None:
    text = long_file(
        "Tag,Time,Value,Quality",
        lambda s: f"{s.tag},{s.time:%Y-%m-%d %H:%M:%S},{point(s.value)},{'Bad' if s.bad else 'Good'}",
        footer="\r\n(240 rows affected)\r\nCompletion time: 2024-03-14\r\n",
    )
    dataset = read(text.encode())
    holds_the_truth(dataset)
    assert dataset.ledger["lines"]["footer"] == 2


def test_sql_rule_under_the_header_is_no_sample(read: Read) -> None:
    text = long_file(
        "TagName,DateTime,Value,Quality\r\n-------,--------,-----,-------",
        lambda s: f"{s.tag},{s.time:%Y-%m-%d %H:%M:%S},{point(s.value)},{'Bad' if s.bad else 'Good'}",
        footer="\r\n(240 rows affected)\r\n",
    )
    holds_the_truth(read(text.encode()))


AMBIGUOUS = "tag;timestamp;value\n" + "".join(f"{t};03/04/2024 00:{i:02d}:00;{i}.5\n" for i in range(30) for t in "AB")


def test_day_and_month_that_nothing_settles_are_asked_for(read: Read) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(AMBIGUOUS.encode())
    assert caught.value.reason == "TIMESTAMP_AMBIGUOUS"
    assert "--day-first" in caught.value.remedy
    april = read(AMBIGUOUS.encode(), day_first=True).table["timestamp"][0]
    assert april == dt.datetime(2024, 4, 3, tzinfo=dt.UTC)
    march = read(AMBIGUOUS.encode(), day_first=False).table["timestamp"][0]
    assert march == dt.datetime(2024, 3, 4, tzinfo=dt.UTC)
    given = read(AMBIGUOUS.encode(), timestamp_format="%d/%m/%Y %H:%M:%S").table["timestamp"][0]
    assert given == april


@pytest.mark.parametrize(
    "text",
    [
        AMBIGUOUS,
        "A,,B,\nTime,Value,Time,Value\n" + "".join(f"03/04/2024 00:{i:02d},{i}.5," * 2 + "\n" for i in range(30)),
        "t,v\n" + "".join(f"03/04/2024 00:{i:02d},{i}.5\n" for i in range(30)),
    ],
    ids=["long", "blocks", "wide"],
)
def test_detection_tells_what_is_undecided_instead_of_refusing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(text.replace(",\n", "\n"))
    (tmp_path / "work").mkdir()
    seen = read_dataset([Source(path, "export.csv")], ReadOptions(), Limits(), tmp_path / "work", undecided_ok=True)
    undecided = [f for f in seen.facts if f.ambiguous]
    assert len(undecided) == 1
    assert undecided[0].key.startswith("timestamp_format")
    assert {a[:8] for a in undecided[0].alternatives} == {"%d/%m/%Y", "%m/%d/%Y"}
    assert "3 April 2024" in undecided[0].evidence
    assert "4 March 2024" in undecided[0].evidence


def test_zone_places_naive_times(read: Read) -> None:
    text = long_file(
        "tag;timestamp;value;quality",
        lambda s: f"{s.tag};{s.time + dt.timedelta(hours=1):%Y-%m-%d %H:%M:%S};{point(s.value)};{0 if s.bad else 192}",
    )
    holds_the_truth(read(text.encode(), time_zone="Europe/Berlin"))
    assert facts(read(text.encode()))["layout"] == "long"


@pytest.mark.parametrize("header", ["", "Time,Pressure,Temperature,Count,State\n"])
@pytest.mark.parametrize("stopped", [range(0, 40, 3), range(30, 40)])
def test_table_with_a_column_of_states_is_no_long_export(header: str, stopped: range, read: Read) -> None:
    rows = "".join(
        f"2024-03-14 05:{i:02d}:00,3.{i:02d},50.{i:02d},{900 + i},{'stop' if i in stopped else 'run'}\n"
        for i in range(40)
    )
    table = read((header + rows).encode()).table
    assert (table.height, table.width) == (40, 6)


def test_meters_with_volts_and_amperes_are_no_long_export(read: Read) -> None:
    rows = "".join(f"2024-03-14 05:{i:02d}:00,{i % 3},{230 + i % 7}.5,{i}.25,{9 * i}.5\n" for i in range(60))
    assert read(("time,id,v,i,p\n" + rows).encode()).table.columns == ["source_row", "time", "id", "v", "i", "p"]


@pytest.mark.parametrize(("header", "asks"), [("state", False), ("quality", True)])
def test_words_of_no_known_scheme_make_no_sample_bad(header: str, asks: bool, read: Read) -> None:
    text = long_file(
        f"tag;timestamp;value;{header}",
        lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{point(s.value)};{'RUN' if s.row % 3 else 'STOP'}",
    )
    dataset = read(text.encode())
    holds_the_truth(dataset, bad=False)
    assert any(f.key == "quality" and f.ambiguous for f in dataset.facts) is asks


@pytest.mark.parametrize("header", ["device,metric,time,value", "Asset,Property,Timestamp,Value"])
def test_one_name_for_the_tags_of_two_machines_is_told_apart(header: str, read: Read) -> None:
    lines = [
        f"{machine},{s.tag},{s.time:%Y-%m-%d %H:%M:%S},{s.value + shift}"
        for s in samples()
        for machine, shift in (("P1", 0), ("P2", 100))
    ]
    dataset = read((header + "\n" + "\n".join(lines)).encode())
    if "metric" in header:
        holds_the_truth(dataset, lambda tag: f"P1.{tag}", bad=False)
        assert dataset.table["P2.Count"][0] == 1096
    else:
        assert dataset.table.height == len(lines)


def test_repeated_samples_of_one_tag_stay_one_tag(read: Read) -> None:
    lines = [f"{s.tag},{s.time:%Y-%m-%d %H:%M:%S},{s.value + late},note {late}" for s in samples() for late in (9, 0)]
    holds_the_truth(read(("tag,time,value,wwVersion\n" + "\n".join(lines)).encode()), bad=False)


def test_several_values_a_sample_are_a_column_each(read: Read) -> None:
    text = long_file(
        "TagName,StartDateTime,Minimum,Maximum,Average,OPCQuality",
        lambda s: (
            f"{s.tag},{s.time:%Y-%m-%d %H:%M:%S},{s.value - 1},{s.value + 1},{point(s.value)},{0 if s.bad else 192}"
        ),
    )
    dataset = read(text.encode())
    assert len(dataset.table.columns) == 2 + 3 * len(TAGS)
    expected = [None if (i, "Flow") in BAD else v + 1 for i, v in enumerate(VALUES["Flow"])]
    assert dataset.table["Flow.Maximum"].to_list() == expected
    assert dataset.table["Flow.Average"].null_count() == sum(tag == "Flow" for _, tag in BAD)


def test_24_hours_and_am_pm_may_mix(read: Read) -> None:
    text = long_file(
        "VarName;TimeString;VarValue;Validity",
        lambda s: (
            f"{s.tag};{s.time:%d.%m.%y} "
            f"{s.time:{'%H:%M:%S' if s.tag == 'Temp' else '%I:%M:%S %p'}};{comma(s.value)};{int(not s.bad)}"
        ),
    )
    holds_the_truth(read(text.encode()))


def test_status_as_python_prints_it_decides(read: Read) -> None:
    text = long_file(
        "SourceTimestamp,StatusCode,Value,NodeId",
        lambda s: (
            f"{s.time:%Y-%m-%d %H:%M:%S},StatusCode(value={2156527616 if s.bad else 0}),{point(s.value)},ns=2;s={s.tag}"
        ),
    )
    holds_the_truth(read(text.encode()), lambda tag: f"ns=2;s={tag}")


def test_zenon_tells_validity_by_bits_and_milliseconds_apart(read: Read) -> None:
    head = "VARIABLE;TIMESTAMP_S;TIMESTAMP_MS;VALUE;STATUS;STRVALUE\n"
    rows = "".join(
        f"{tag};{1710370500 + 60 * r};250;{r},5;{ {4: 262144, 5: 65536}.get(r, 131072) };\n"
        for r in range(12)
        for tag in ("Flow", "Temp")
    )
    dataset = read((head + rows).encode())
    assert dataset.table["Temp"].to_list() == [None if r == 4 else r + 0.5 for r in range(12)]
    assert {t.microsecond for t in dataset.table["timestamp"]} == {250_000}


def test_elements_of_data_points_are_tags(read: Read) -> None:
    head = "# ascii export\nDP;Element;Time;Value;Status64;Invalid\n"
    rows = "".join(
        f"System1:{tag}.;value;2024.03.13 22:{r:02d}:00.000;{r}.5;0x8300000000000101;{'TRUE' if r == 4 else 'FALSE'}\n"
        for r in range(12)
        for tag in ("Flow", "Temp")
    )
    dataset = read((head + rows).encode())
    assert dataset.table["System1:Flow."].to_list() == [None if r == 4 else r + 0.5 for r in range(12)]
