"""A machine export to try SensorForge with, where no file of one's own is at hand.

The sample comes from a small world of its own, which shares no code and no parameters with the seed physics: a
pump for gritty water whose lives end, after some days, in worn bearings, a worn impeller or a leaking seal. It is as
untidy as real exports are: abbreviated column names, °F and kPa where the profile has °C and bar, jittering clocks,
missing samples, a stuck sensor, repeated rows, a spike here and there and a shift that nobody recorded. The same bytes
are written every time.

Lives are many and short, and a life differs from the next less than it changes within itself: only so can the few
lives that are held out stand for all, and the quality gates be decided rather than left open.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

SEED = 20_11
LIVES = 110
PERIOD_S = 3600
MACHINE_ID = "demo-pump"
PROFILE = """\
# Circulation pump of the demonstration. Unit is data: the export beside it measures in °F and kPa.
machine_id: demo-pump
title: Grit-water circulation pump
category: pump
sampling_period: 3600 s
life: {unit: h, max: 150}
sensors:
  - {name: suction_pressure_bar, quantity: pressure, unit: bar, min: 0, typical: 1.4, max: 4, component: suction, position: inlet}
  - {name: discharge_pressure_bar, quantity: pressure, unit: bar, min: 0, typical: 5.2, max: 10, component: discharge, position: outlet}
  - {name: flow_m3h, quantity: volume flow, unit: m³/h, min: 0, typical: 140, max: 260, component: discharge}
  - {name: motor_current_a, quantity: current, unit: A, min: 0, typical: 52, max: 110, component: motor}
  - {name: motor_power_kW, quantity: power, unit: kW, min: 0, typical: 29, max: 60, component: motor}
  - {name: speed_rpm, quantity: rotational speed, unit: rpm, min: 0, typical: 1470, max: 1800, component: shaft}
  - {name: bearing_de_temp_C, quantity: temperature, unit: °C, min: 0, typical: 55, max: 120, component: bearing, position: drive end}
  - {name: bearing_nde_temp_C, quantity: temperature, unit: °C, min: 0, typical: 50, max: 120, component: bearing, position: non-drive end}
  - {name: vibration_de_mm_s, quantity: vibration velocity, unit: mm/s, min: 0, typical: 1.8, max: 25, component: bearing, position: drive end}
  - {name: ambient_temp_C, quantity: temperature, unit: °C, min: -20, typical: 24, max: 50, component: ambient}
"""  # noqa: E501
HEADER = (
    "Time", "Run No", "Suction Press [kPa]", "Disch Press [kPa]", "Flow [m3/h]", "Mtr Current [A]", "Mtr Power [kW]",
    "Speed [rpm]", "Brg Temp DE [°F]", "Brg Temp NDE [°F]", "Vib DE [mm/s]", "Ambient Temp [°F]", "RUL [h]", "Remark",
)  # fmt: skip
_OPENINGS = (0.56, 0.64, 0.72, 0.8, 0.88, 0.96)  # of the valve
_DECIMALS = (1, 1, 1, 2, 2, 0, 1, 1, 2, 1, 0)


@dataclass(frozen=True)
class DemoSample:
    """The files written: the export, in reading order, and the profile that belongs to it."""

    files: tuple[Path, ...]
    profile_path: Path


@dataclass
class _Pump:
    """One life of the pump, `life` hours long; wear is set at birth and seen only through the sensors."""

    chance: random.Random
    life: int
    fault: str

    def __post_init__(self) -> None:
        draw = self.chance.gauss
        self.winding = draw(1.0, 0.004)
        self.balance = draw(1.0, 0.03)
        self.onset = self.chance.uniform(0.35, 0.55)
        self.steepness = self.chance.uniform(1.6, 2.4)
        self.valve = 0.8
        self.recipes: list[float] = []
        self.drift = 0.0
        self.heat_de = self.heat_nde = 0.0
        self.sump = draw(1.35, 0.008)

    def severity(self, hour: int) -> float:
        """Returns 0 until the fault sets in, then a power law up to 1 at the end of life."""
        age = hour / self.life
        return float(max(0.0, (age - self.onset) / (1 - self.onset)) ** self.steepness)

    def measure(self, hour: int, clock: datetime) -> list[float]:
        """Returns suction and discharge in kPa, flow, current, power, speed, °F, °F, mm/s, °F."""
        draw, hurt = self.chance.gauss, self.severity(hour)
        impeller, bearing, seal = (
            hurt if self.fault == name else 0.7 * hurt for name in ("impeller", "bearing", "seal")
        )  # grit wears all three; the fault is what wears fastest
        if not self.recipes:  # every shift makes the same products, in an order of its own
            self.recipes = self.chance.sample(_OPENINGS, len(_OPENINGS))
        self.valve += (self.recipes.pop() + draw(0, 0.015) - self.valve) / 1.25
        self.drift += -self.drift / 3 + draw(0, 0.055)
        time = clock.hour + clock.minute / 60
        ambient = 22 + 6.5 * math.sin((time - 9) / 24 * 2 * math.pi) + 9 * self.drift
        volt = 398 + 5 * math.sin(time / 24 * 4 * math.pi) + draw(0, 1.2)
        opening = max(0.2, self.valve + 0.05 * self.drift)
        flow = 182 * opening**0.9 * (1 - 0.06 * impeller - 0.04 * seal)
        head = (56.5 - 0.00072 * flow**2) * (1 - 0.12 * impeller - 0.06 * seal)  # metres
        suction = 100 * (self.sump + 0.08 * self.drift - 0.0000040 * flow**2)
        hydraulic = 9.81 * flow / 3600 * head
        best = 0.74 - 0.000016 * (flow - 150) ** 2
        shaft = hydraulic / max(0.3, best * (1 - 0.30 * impeller - 0.16 * seal)) + 1.3 + 3.0 * bearing
        power = shaft / 0.915 + 0.9
        factor = 0.62 + 0.25 * min(1.0, power / 33)
        current = self.winding * power * 1000 / (math.sqrt(3) * volt * factor)
        speed = 1500 - 27 * (shaft / 30) * (400 / volt) ** 2
        warm_de, warm_nde = 8 + 0.86 * shaft + 30 * bearing, 7 + 0.7 * shaft + 13 * bearing
        self.heat_de += (warm_de - self.heat_de) * (0.75 if hour else 1.0)
        self.heat_nde += (warm_nde - self.heat_nde) * (0.65 if hour else 1.0)
        resonance = 1 + 0.45 * math.exp(-(((opening - 0.58) / 0.05) ** 2))  # the pipework answers at this flow
        vibration = (
            self.balance * resonance * (1.15 + 0.009 * shaft) * math.exp(1.5 * bearing + 0.7 * impeller + 0.35 * seal)
        )
        vibration *= math.exp(draw(0, 0.09))
        fahrenheit = [1.8 * (ambient + rise + draw(0, 0.35)) + 32 for rise in (self.heat_de, self.heat_nde)]
        return [
            suction + draw(0, 0.9),
            suction + 9.81 * head + draw(0, 2.2),
            flow + draw(0, 1.1),
            current + draw(0, 0.25),
            power + draw(0, 0.12),
            speed + draw(0, 0.8),
            *fahrenheit,
            vibration,
            1.8 * (ambient + draw(0, 0.2)) + 32,
        ]  # fmt: skip


def write_demo_sample(directory: Path | str) -> DemoSample:
    """Writes `pump_history.csv` (about 10,000 rows, 110 runs to failure) and `demo-pump.yaml`; returns their paths.

    The directory is made if it is not there; files of these names are overwritten. Raises OSError as writing does.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    export, profile = directory / "pump_history.csv", directory / f"{MACHINE_ID}.yaml"
    with export.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADER)
        writer.writerows(_rows(random.Random(SEED)))
    profile.write_text(PROFILE, encoding="utf-8")
    return DemoSample((export,), profile)


def _rows(chance: random.Random) -> Iterator[list[str]]:
    clock = datetime(2023, 2, 27, 5, 0, 10)
    for number in range(1, LIVES + 1):
        pump = _Pump(chance, chance.randint(75, 105), chance.choice(("bearing", "bearing", "impeller", "seal")))
        yield from _life(pump, number, clock, chance)
        clock += timedelta(hours=pump.life + chance.randint(5, 30))


def _life(pump: _Pump, number: int, start: datetime, chance: random.Random) -> Iterator[list[str]]:
    """Yields a life's rows as text with what goes wrong in exports: gaps, holes, stuck values, repeats, spikes."""
    silence = range(31, 43) if number == 24 else range(0)  # the historian was down for a shift
    stuck = range(20, 55) if number == 36 else range(0)  # a frozen flow transmitter
    frozen = ""
    for hour in range(pump.life):
        clock = start + timedelta(seconds=hour * PERIOD_S)
        values = pump.measure(hour, clock)
        remaining = (pump.life - 1 - hour) * PERIOD_S / 3600
        if hour in silence or (chance.random() < 0.004 and 0 < hour < pump.life - 1):
            continue
        stamp = clock + timedelta(seconds=chance.choice((-1, 0, 0, 0, 0, 1, 1, 2)))
        cells = [f"{value:.{places}f}" for value, places in zip([*values, remaining], _DECIMALS, strict=True)]
        for sensor in range(len(values)):
            if chance.random() < 0.006:
                cells[sensor] = "Bad" if chance.random() < 0.25 else ""
        if hour in stuck:
            frozen = frozen or cells[2] or f"{values[2]:.1f}"
            cells[2] = frozen
        if chance.random() < 0.0008:
            cells[8] = f"{values[8] * 3.5:.2f}"
        remark = "PUMP TRIPPED" if hour == pump.life - 1 else ("started after repair" if hour == 0 else "")
        row = [stamp.strftime("%Y-%m-%d %H:%M:%S"), f"R{number:02d}", *cells, remark]
        yield row
        if chance.random() < 0.0012:
            yield row
