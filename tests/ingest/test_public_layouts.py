"""Layouts of weather services, open data, home automation and databases."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, values

HOURS = [dt.datetime(2024, 1, 13) + dt.timedelta(hours=i) for i in range(60)]


def test_date_with_an_hour_in_ten_digits_is_no_epoch(read: Read) -> None:
    lines = [f"        433;{t:%Y%m%d%H};    3;{i / 10:6.1f};eor" for i, t in enumerate(HOURS)]
    dataset = read("\n".join(["STATIONS_ID;MESS_DATUM;QN_9;TT_TU;eor", *lines]).encode())
    assert values(dataset, "MESS_DATUM") == HOURS


def test_seconds_since_1970_stay_seconds(read: Read) -> None:
    lines = [f"{1_710_410_400 + 60 * i},{i}.5" for i in range(40)]
    found = values(read("\n".join(["time,flow", *lines]).encode()), "time")
    assert found[0] == dt.datetime(2024, 3, 14, 10, tzinfo=dt.UTC)


def test_hour_from_1_to_24_is_added_to_its_date(read: Read) -> None:
    lines = [f"  260,{t - dt.timedelta(hours=1):%Y%m%d},{(t.hour or 24):5d},{i:5d}" for i, t in enumerate(HOURS)]
    text = "\n".join(["# BRON: KNMI", "# T = Temperatuur", "# STN,YYYYMMDD,   HH,    T", "# ", *lines])
    assert values(read(text.encode()), "YYYYMMDD") == HOURS


@pytest.mark.parametrize("units", ["Volts,Deg C", "Unitless,widgets"])
def test_campbells_line_of_units_is_no_header(units: str, read: Read) -> None:
    above = '"TOA5","S","CR1000","1","CR1000.Std","CPU:x","1","T60"\n"TIMESTAMP","RECORD","BattV_Min","AirTC_Avg"\n'
    lines = [f'"{t}",{i},12.5,{i}.5' for i, t in enumerate(HOURS)]
    dataset = read((above + "\n".join([f"TS,RN,{units}", ",,Min,Avg", *lines])).encode())
    assert dataset.table.columns == ["source_row", "TIMESTAMP", "RECORD", "BattV_Min", "AirTC_Avg"]
    assert values(dataset, "TIMESTAMP") == HOURS


def test_attributes_name_the_columns_of_a_relation(read: Read) -> None:
    above = [
        "% made by a test", "@RELATION pump", "", '@ATTRIBUTE time DATE "yyyy-MM-dd HH:mm:ss"',
        "@attribute 'inlet temp' NUMERIC", "@ATTRIBUTE state {on,off}", "", "@DATA",
    ]  # fmt: skip
    lines = [f'"{t}",{i if i % 8 else "?"},on' for i, t in enumerate(HOURS)]
    dataset = read("\n".join([*above, *lines[:30], "% a remark", *lines[30:]]).encode())
    assert values(dataset, "time") == HOURS
    assert values(dataset, "inlet temp") == [i if i % 8 else None for i in range(len(HOURS))]
    assert not dataset.rejects.height


def test_relation_of_sparse_rows_is_refused(read: Read) -> None:
    text = "@relation a\n@attribute x numeric\n@attribute y numeric\n@data\n{0 1.5, 1 2}\n{1 3}\n{0 4}\n"
    with pytest.raises(SensorForgeError, match="sparse"):
        read(text.encode())


def test_items_of_dynamodb_lose_their_marks(read: Read) -> None:
    items = [
        {"device": {"S": "p1"}, "ts": {"N": str(1_710_410_400 + i)}, "temp": {"N": f"{i}.5"} if i else {"NULL": True}}
        for i in range(40)
    ]
    dataset = read(json.dumps({"Items": items, "Count": 40}).encode())
    assert values(dataset, "temp") == [None, *(i + 0.5 for i in range(1, 40))]
    assert dataset.time_columns == ["ts"]


@pytest.mark.parametrize(
    "line",
    [
        "{t:%Y-%m-%d_%H:%M:%S} Boiler temp: {i}.5",
        "{t:%Y-%m-%d %H:%M:%S} INFO sensor - temp={i}.5 C press=1.5 bar",
        "[{t:%Y-%m-%d %H:%M:%S}] info: \tz2m:mqtt: MQTT publish: topic 'home/boiler', payload '{{\"temp\":{i}.5}}'",
    ],
)
def test_line_of_a_log_is_a_row(line: str, read: Read) -> None:
    dataset = read("\n".join(line.format(t=t, i=i) for i, t in enumerate(HOURS)).encode())
    assert values(dataset, "time") == HOURS
    assert values(dataset, "temp") == [i + 0.5 for i in range(len(HOURS))]


def test_values_by_time_are_series_told_apart_by_their_tags(read: Read) -> None:
    def series(metric: str, host: str, base: int) -> dict[str, object]:
        dps = {str(1_710_410_400 + 30 * i): base + i for i in range(20)}
        return {"metric": metric, "tags": {"host": host, "site": "a"}, "aggregateTags": [], "dps": dps}

    answer = [series("temp", "p1", 20), series("temp", "p2", 40), series("press", "p1", 70)]
    dataset = read(json.dumps(answer).encode())
    assert values(dataset, "temp.p2") == [40 + i for i in range(20)]
    assert values(dataset, "press.p1") == [70 + i for i in range(20)]


def test_records_by_day_and_clock_have_whole_times(read: Read) -> None:
    days: dict[str, dict[str, dict[str, float]]] = {}
    for i, t in enumerate(HOURS):
        days.setdefault(f"{t:%Y-%m-%d}", {})[f"{t:%H:%M:%S}"] = {"temp": i + 0.5}
    dataset = read(json.dumps({"device": "p1", "data": days}).encode())
    assert values(dataset, "timestamp") == HOURS


@pytest.mark.parametrize(
    "pace", [{"sample_rate_hz": 10}, {"fs": 10}, {"samplingRate": 10}, {"interval_ms": 100}, {"dt": 0.1}]
)
@pytest.mark.parametrize("listed", [True, False])
def test_signals_with_a_start_and_a_rate_have_times(pace: dict[str, float], listed: bool, read: Read) -> None:
    data = {"x": [i / 10 for i in range(50)], "y": [i / 5 for i in range(50)]}
    signals = [{"name": k, "unit": "mm/s", "data": v} for k, v in data.items()] if listed else data
    dataset = read(json.dumps({"start": "2024-03-14T10:00:00Z", **pace, "signals": signals}).encode())
    start = dt.datetime(2024, 3, 14, 10, tzinfo=dt.UTC)
    assert values(dataset, "timestamp") == [start + dt.timedelta(seconds=i / 10) for i in range(50)]
    assert values(dataset, "y") == data["y"]


def test_signals_of_different_lengths_are_not_paced(read: Read) -> None:
    signals = [{"name": n, "data": [1.5] * k} for n, k in (("x", 10), ("y", 20))]
    dataset = read(json.dumps({"start": "2024-03-14T10:00:00Z", "fs": 10, "signals": signals}).encode())
    assert not dataset.time_columns


@pytest.mark.parametrize("key", ["VQTs", "raw"])
def test_samples_under_the_same_key_belong_to_the_tag_around_them(key: str, read: Read) -> None:
    def samples(base: int) -> dict[str, object]:
        return {key: [{"V": base + i, "Q": 192, "T": f"{t:%Y-%m-%dT%H:%M:%SZ}"} for i, t in enumerate(HOURS)]}

    dataset = read(json.dumps({"results": {"Line.T": samples(20), "Line.P": samples(70)}}).encode())
    own = [n for n in dataset.table.columns if n.startswith("Line.")]
    assert [values(dataset, n)[0] for n in own] == [20, 70]


def _line(base: int) -> list[list[object]]:
    return [[f"{t:%Y-%m-%dT%H:%M:%SZ}", base + i] for i, t in enumerate(HOURS)]


@pytest.mark.parametrize(
    "document",
    [
        [
            {"device": d, "series": [{"name": "temp", "values": _line(a)}, {"name": "press", "values": _line(a + 5)}]}
            for d, a in (("d1", 20), ("d2", 70))
        ],
        {"d1": {"temp": _line(20), "press": _line(25)}, "d2": {"temp": _line(70), "press": _line(75)}},
        {
            "machines": [
                {"id": d, "sensors": [{"id": "temp", "readings": [{"time": t, "value": v} for t, v in _line(a)]}]}
                for d, a in (("d1", 20), ("d2", 70))
            ]
        },
    ],
)
def test_sensors_called_the_same_of_two_machines_are_two_columns(document: object, read: Read) -> None:
    dataset = read(json.dumps(document).encode())
    assert [values(dataset, f"{d}.temp")[0] for d in ("d1", "d2")] == [20, 70]


def test_pages_of_one_series_are_one_column(read: Read) -> None:
    pages = [
        {"id": n, "series": [{"name": "temp", "values": _line(20)[a : a + 21]}]} for n, a in ((7, 0), (8, 20), (9, 40))
    ]
    dataset = read(json.dumps(pages).encode())
    assert values(dataset, "temp") == [20 + i for i in range(len(HOURS))]
