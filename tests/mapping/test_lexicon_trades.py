"""The words of the trades: how makers and plants shorten the names of their points, in their languages."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.lexicon_files import default_lexicon
from services.mapping.suggest import suggest


def found(columns: list[str], sensors: list[Sensor]) -> dict[str, str]:
    result = suggest(tuple(ColumnInfo(name) for name in columns), MachineProfile("plant", tuple(sensors)))
    return {suggestion.column: suggestion.sensor for suggestion in result.suggestions}


def expected(pairs: dict[str, tuple[str, str]]) -> None:
    sensors = [Sensor(name, unit) for name, unit in pairs.values()]
    assert found(list(pairs), sensors) == {column: name for column, (name, _) in pairs.items()}


def test_dutch_names_of_a_boiler_house_are_read() -> None:
    expected(
        {
            "Keteltemperatuur": ("Boiler Temperature", "°C"),
            "Stoomdruk": ("Steam Pressure", "bar"),
            "Rookgastemperatuur": ("Flue Gas Temperature", "°C"),
            "Ruimtetemperatuur": ("Room Temperature", "°C"),
            "Voedingswaterdebiet": ("Feedwater Flow", "t/h"),
            "Toerental ventilator": ("Fan Speed", "rpm"),
            "Klepstand": ("Valve Position", "%"),
        }
    )


def test_polish_names_of_a_pump_are_read() -> None:
    expected(
        {
            "Ciśnienie tłoczenia": ("Discharge Pressure", "bar"),
            "Ciśnienie ssania": ("Suction Pressure", "bar"),
            "Temperatura łożyska 1": ("Bearing 1 Temperature", "°C"),
            "Prąd silnika": ("Motor Current", "A"),
            "Poziom zbiornika": ("Tank Level", "%"),
        }
    )


def test_short_forms_of_a_concentrator_are_read() -> None:
    expected(
        {
            "TEMP DESC LIBRE": ("Non Drive End Bearing Temperature", "°C"),
            "TEMP DESC ACOPLE": ("Drive End Bearing Temperature", "°C"),
            "THKNR TORQUE": ("Thickener Torque", "%"),
            "DENS PULPA": ("Slurry Density", "kg/m3"),
            "VEL CORREA": ("Belt Speed", "m/s"),
        }
    )


@pytest.mark.parametrize(
    ("name", "sensor"),
    [
        (("Leaving_Condenser_Water_Temp", "°C"), ("condenser_water_leaving_temperature", "°C")),
        (("AVR_Field_Current", "A"), ("Excitation Current", "A")),
        (("LO CLR O/L TEMP", "°C"), ("Lube Oil Cooler Outlet Temperature", "°C")),
        (("AXIAL SHIFT", "mm"), ("Axial Displacement", "mm")),
        (("Säurezahl", ""), ("Total Acid Number", "")),
        (("MTR THRM", "%"), ("Motor Thermal Load", "%")),
        (("定冷水流量", "t/h"), ("Stator Cooling Water Flow", "t/h")),
    ],
)
def test_a_trade_says_it_in_its_own_words(name: tuple[str, str], sensor: tuple[str, str]) -> None:
    rivals = [Sensor("Winding Temperature", "°C"), Sensor("Cooling Water Pressure", "bar"), Sensor("Line Voltage", "V")]
    suggestion = suggest((ColumnInfo(*name),), MachineProfile("plant", (Sensor(*sensor), *rivals))).suggestions[0]
    assert suggestion.sensor == sensor[0]


def test_a_trip_is_not_the_value_that_trips() -> None:
    sensors = [Sensor("winding_temperature", "°C"), Sensor("oil_temperature", "°C"), Sensor("load_current", "A")]
    assert found(["wti_trip", "oil_temp"], sensors) == {"wti_trip": "", "oil_temp": "oil_temperature"}


@pytest.mark.parametrize("short", ["g", "fd", "sw", "prod", "cyc", "ar", "flp", "tons"])
def test_a_short_form_with_several_meanings_keeps_them_all(short: str) -> None:
    readings = default_lexicon().readings[short]
    assert len(readings) == len(set(readings)) >= (1 if short == "flp" else 2)
