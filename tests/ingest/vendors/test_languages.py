"""Long exports and wide tables whose headings and words of quality are not English."""

from __future__ import annotations

import datetime as dt

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    BAD,
    TAGS,
    TIMES,
    VALUES,
    comma,
    holds_the_truth,
    long_file,
    point,
    samples,
    wide_file,
)

LONG = {
    "German code": ("Variablenname;Zeitstempel;Wert;Qualitätscode", "16#80", "16#1C", "cp1252"),
    "French": ("Nom de variable;Horodatage;Valeur;Qualité", "Bonne", "Mauvaise", "cp1252"),
    "Dutch": ("Tagnaam;Tijdstip;Waarde;Kwaliteit", "Goed", "Slecht", "utf-8"),
    "Polish": ("Nazwa zmiennej;Czas;Wartość;Jakość", "Dobra", "Zła", "cp1250"),
    "Russian": ("Тег;Время;Значение;Качество", "Хорошее", "Плохое", "cp1251"),
    "Portuguese": ("Tag;Data/Hora;Valor;Qualidade", "Boa", "Ruim", "utf-8"),
    "Japanese": ("タグ名;日時;値;品質", "良好", "不良", "cp932"),
    "telecontrol": ("Point;Time;Value;Quality descriptor", "", "IV", "utf-8"),
    "DNP3": ("Point;Time;Value;Flags", "ONLINE", "COMM_LOST", "utf-8"),
    "BACnet": ("Point;Time;Value;Status Flags", "{false,false,false,false}", "{false,true,false,false}", "utf-8"),
}


@pytest.mark.parametrize("language", sorted(LONG))
def test_quality_is_understood(language: str, read: Read) -> None:
    header, good, bad, encoding = LONG[language]
    text = long_file(header, lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{comma(s.value)};{bad if s.bad else good}")
    holds_the_truth(read(text.encode(encoding)))


@pytest.mark.parametrize(("good", "bad"), [("SPONT", "INVALID"), ("OK", "Fehler")])
def test_a_status_behind_every_value_is_its_quality(good: str, bad: str, read: Read) -> None:
    text = wide_file(
        "Zeit;" + ";".join(f"{t};Status" for t in TAGS),
        lambda i: (
            f"{TIMES[i]:%d.%m.%Y %H:%M:%S};"
            + ";".join(f"{comma(VALUES[t][i])};{bad if (i, t) in BAD else good}" for t in TAGS)
        ),
    )
    holds_the_truth(read(text.encode()), time="Zeit")


def test_machines_measured_together_are_no_long_export(read: Read) -> None:
    rows = [f"{s.time:%Y-%m-%d %H:%M:%S},{s.tag},{point(s.value)},{point(s.value + s.row)}" for s in samples()]
    dataset = read("\n".join(["Time,Station,Temp,Humidity", *rows]).encode())
    assert dataset.table.columns == ["source_row", "Time", "Station", "Temp", "Humidity"]


def test_summer_and_winter_time_are_no_tags(read: Read) -> None:
    clock = [("S", h, m) for h in (0, 1, 2) for m in (0, 20, 40)] + [
        ("W", h, m) for h in (2, 3, 4) for m in (0, 20, 40)
    ]
    rows = [f"29.10.2023 {h:02}:{m:02};{z};{i},5" for i, (z, h, m) in enumerate(clock)]
    dataset = read("\n".join(["Zeit;Sommerzeit;Wert", *rows]).encode())
    assert dataset.table.height == len(clock)


def test_times_of_day_alone_are_read_as_elapsed_with_a_warning(read: Read) -> None:
    text = long_file("Display Name,Value,Source Timestamp,Statuscode", lambda s:
        f"{s.tag},{point(s.value)},{s.time:%I:%M:%S.000 %p},{'Bad' if s.bad else 'Good'}")  # fmt: skip
    dataset = read(text.encode())
    assert dataset.units["elapsed_s"] == "s"
    assert dataset.table["elapsed_s"].to_list() == [5 * 3600 + 58 * 60 + 10.0 * i for i in range(len(TIMES))]
    assert [code for code, _ in dataset.warnings] == ["TIME_WITHOUT_DATE"]
    holds_the_truth(dataset, time="")


@pytest.mark.parametrize("by_tag", [True, False])
def test_times_of_day_go_on_over_midnight(by_tag: bool, read: Read) -> None:
    moved = [t + dt.timedelta(hours=17, minutes=58) for t in TIMES]
    text = long_file("Tag,Value,Time", lambda s: f"{s.tag},{point(s.value)},{moved[s.row]:%H:%M:%S}", by_tag=by_tag)
    seconds = [86_400.0 - 240 + 10 * i for i in range(len(TIMES))]
    assert read(text.encode()).table["elapsed_s"].to_list() == seconds


def test_a_quality_column_that_was_named_marks_every_number_of_its_row(read: Read) -> None:
    rows = [f"2025-01-01 00:{i:02};{i},5;{i}0,25;P1;{'schlecht' if i == 3 else 'gut'}" for i in range(20)]
    text = "\n".join(["Zeit;Druck [bar];Leistung;Pumpe;Zustand", *rows]).encode()
    dataset = read(text, quality_column="Zustand")
    assert dataset.table.columns == ["source_row", "Zeit", "Druck [bar]", "Leistung", "Pumpe"]
    assert dataset.table["Druck [bar]"].null_count() == dataset.table["Leistung"].null_count() == 1
    assert dataset.table["Leistung"][3] is None
    assert dataset.table["Pumpe"][3] == "P1"
    assert "Zustand" in read(text).table.columns
    with pytest.raises(SensorForgeError, match="no quality column 'Foo'") as caught:
        read(text, quality_column="Foo")
    assert caught.value.reason == "COLUMN_NOT_FOUND"
