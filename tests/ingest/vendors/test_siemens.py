"""Siemens WinCC: panel archives, tag logging, TIA and S7 data logs."""

from __future__ import annotations

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import TIMES, VALUES, Sample, comma, holds_the_truth, long_file, point, wide_file


def serial(s: Sample) -> float:
    """Returns the time as WinCC's Time_ms: Excel days times a million."""
    return (s.time.timestamp() / 86_400 + 25_569) * 1e6


def _validity(s: Sample) -> str:
    return "0" if s.bad else "1"


PANEL = {
    "german": long_file(
        '"VarName";"TimeString";"VarValue";"Validity";"Time_ms"',
        lambda s: (
            f'"{s.tag}";"{s.time:%d.%m.%Y %H:%M:%S}";{comma(s.value)};{_validity(s)};{comma(round(serial(s), 6))}'
        ),
        footer='"$RT_OFF$";"14.03.2024 06:08:00";0;2;45365255555,6\r\n',
    ),
    "american": long_file(
        '"VarName","TimeString","VarValue","Validity","Time_ms"',
        lambda s: (
            f'"{s.tag}","{s.time.month}/{s.time.day}/{s.time:%Y} {s.time:%I:%M:%S %p}",{point(s.value)},'
            f"{_validity(s)},{serial(s):.3f}"
        ),
    ),
    "tabs, mixed decimals, markers": long_file(
        '"VarName"\t"TimeString"\t"VarValue"\t"Validity"\t"Time_ms"',
        lambda s: (
            f'"{s.tag}"\t"{s.time:%Y-%m-%d %H:%M:%S}"\t{(comma if s.row % 2 else point)(s.value)}\t{_validity(s)}'
            f"\t{serial(s):.3f}"
        ),
        footer='"$RT_COUNT$"\t240\t\t\t\r\n',
    ),
    "by tag, unquoted": long_file(
        "VarName;TimeString;VarValue;Validity;Time_ms",
        lambda s: f"{s.tag};{s.time:%d/%m/%Y %H:%M:%S};{comma(s.value)};{_validity(s)};{serial(s):.6f}",
        by_tag=True,
    ),
}


@pytest.mark.parametrize("layout", sorted(PANEL))
def test_panel_archive(layout: str, read: Read) -> None:
    holds_the_truth(read(PANEL[layout].encode(), name="Datalog0.csv"))


def test_panel_archive_in_utf16_with_a_mark(read: Read) -> None:
    holds_the_truth(read(PANEL["german"].encode("utf-16"), name="Datalog0.txt"))


TAG_LOGGING = {
    "OLE DB": long_file(
        "ValueID,Timestamp,RealValue,Quality,Flags",
        lambda s: f"{s.tag},{s.time:%Y-%m-%d %H:%M:%S}.000,{point(s.value)},{76 if s.bad else 128},8392704",
    ),
    "OLE DB, OPC quality, semicolons": long_file(
        "VarName;Timestamp;RealValue;Quality;Flags",
        lambda s: f"{s.tag};{s.time:%d.%m.%Y %H:%M:%S},000;{comma(s.value)};{28 if s.bad else 192};4194305",
    ),
    "OLE DB, hexadecimal quality": long_file(
        "ValueName\tTimestamp\tRealValue\tQuality\tFlags",
        lambda s: f"{s.tag}\t{s.time:%Y-%m-%d %H:%M:%S}\t{point(s.value)}\t{'0x4C' if s.bad else '0x80'}\t0x0",
    ),
    "Unified, words": long_file(
        "Tag name;Time stamp;Value;Quality code",
        lambda s: (
            f"{s.tag};{s.time:%Y-%m-%dT%H:%M:%S.000Z};{point(s.value)};"
            f"{'Bad (non-specific)' if s.bad else 'Good (Cascade)'}"
        ),
    ),
    "German headings": long_file(
        "Variablenname;Zeitstempel;Wert;Qualität",
        lambda s: f"{s.tag};{s.time:%d.%m.%Y %H:%M:%S};{comma(s.value)};{'Schlecht' if s.bad else 'Gut'}",
    ),
    "German headings, date and clock apart": long_file(
        "Archivname;Variable;Datum;Uhrzeit;Wert;Status",
        lambda s: (
            f"Archiv1;{s.tag};{s.time:%d.%m.%Y};{s.time:%H:%M:%S};{comma(s.value)};{'i.O.' if not s.bad else 'gestört'}"
        ),
    ),
    "French headings": long_file(
        "Nom de la variable;Horodatage;Valeur;Qualité",
        lambda s: f"{s.tag};{s.time:%d/%m/%Y %H:%M:%S};{comma(s.value)};{'Mauvaise' if s.bad else 'Bonne'}",
    ),
}


@pytest.mark.parametrize("layout", sorted(TAG_LOGGING))
def test_tag_logging(layout: str, read: Read) -> None:
    encoding = "cp1252" if "headings" in layout else "utf-8"
    holds_the_truth(read(TAG_LOGGING[layout].encode(encoding), name="export.csv"))


TREND = {
    "one clock": wide_file(
        "Time;Flow;Temp;Count;Run",
        lambda i: f"{TIMES[i]:%d.%m.%Y %H:%M:%S};" + ";".join(comma(v[i]) for v in VALUES.values()),
    ),
    "control window with title lines": "WinCC OnlineTrendControl;;;;\r\nTrend window 1;;;;\r\n;;;;\r\n"
    + wide_file(
        "Date/Time;Flow;Temp;Count;Run",
        lambda i: f"{TIMES[i]:%d.%m.%Y %H:%M:%S}.000;" + ";".join(comma(v[i]) for v in VALUES.values()),
    ),
    "S7 data log with its end mark": wide_file(
        '"Date time","Flow","Temp","Count","Run"',
        lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S}," + ",".join(point(v[i]) for v in VALUES.values()),
        footer="//END\r\n",
    ),
    "AM and PM": wide_file(
        "Time\tFlow\tTemp\tCount\tRun",
        lambda i: f"{TIMES[i]:%m/%d/%Y %I:%M:%S %p}\t" + "\t".join(point(v[i]) for v in VALUES.values()),
    ),
}


@pytest.mark.parametrize("layout", sorted(TREND))
def test_trend_export(layout: str, read: Read) -> None:
    dataset = read(TREND[layout].encode())
    holds_the_truth(dataset, bad=False, time=dataset.table.columns[1])


def test_markers_are_rejected_by_name(read: Read) -> None:
    dataset = read(PANEL["german"].encode())
    assert dataset.rejects["reason"].to_list() == ["ARCHIVE_MARKER"]
    assert dataset.ledger["files"][0]["samples"]["bad"] == 5
