"""What a machine's physics offers to be measured, and which of it a sensor measures.

A signal has a quantity, the words of the place where it is measured, and a form: how its per-unit values become a
reading once the sensor's typical value is known. A sensor finds its signal by quantity, component, position and name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from services.machines.profile import Sensor
from services.machines.units import parse_unit
from services.refine.seeds.physics import Array

Form = Literal["ratio", "around", "above", "counter"]


@dataclass(frozen=True)
class Signal:
    """Per-unit values of one measurable thing.

    Forms: "ratio": typical x values; "around": typical + span x values, where span is half the room to the nearer
    limit; "above": the reading of the signal named `base` plus (typical - base's typical) x values; "counter": grows
    by values a sample. `symptom` (0 to 1) moves the reading towards its upper limit, or the lower one if `sinks`.
    """

    quantity: str
    place: str
    form: Form
    values: Array
    base: str = ""
    symptom: Array | None = None
    sinks: bool = False
    noise: float = 0.006

    @property
    def name(self) -> str:
        """Quantity and place, unique within an archetype."""
        return f"{self.quantity} {self.place}".strip()


# Reference typical values of places that profiles often leave out, in °C.
REFERENCE_CELSIUS = {"ambient": 24.0, "inlet": 25.0, "supply": 7.0, "condenser inlet": 29.0}

_QUANTITY_WORDS = {
    "vibration": {"vibration", "vib", "velocity_rms", "acceleration", "accel", "displacement", "schwingung"},
    "temperature": {"temperature", "temp", "tmp", "temperatur"},
    "current": {"current", "amps", "ampere", "strom"},
    "voltage": {"voltage", "volt", "volts", "spannung"},
    "power factor": {"powerfactor", "pf", "cosphi"},
    "power": {"power", "kw", "watt", "leistung"},
    "energy": {"energy", "kwh", "consumption"},
    "speed": {"speed", "rpm", "drehzahl", "rotational", "nf", "nc"},
    "torque": {"torque", "moment"},
    "frequency": {"frequency", "freq", "hz"},
    "differential pressure": {"differential", "dp", "deltap", "filter_dp", "pressure_drop"},
    "pressure": {"pressure", "press", "druck", "vacuum", "head"},
    "fuel flow": {"fuel"},
    "flow": {"flow", "flowrate", "airflow", "cfm", "durchfluss"},
    "efficiency": {"efficiency", "eta"},
    "cop": {"cop"},
    "capacity": {"capacity", "tonnage", "cooling_load"},
    "load": {"load", "utilization", "utilisation", "duty", "demand"},
    "humidity": {"humidity", "rh"},
    "dew point": {"dewpoint", "dew"},
    "level": {"level", "fill"},
    "force": {"force", "thrust"},
    "feed": {"feed", "feedrate"},
    "wear": {"wear", "tool_wear"},
    "position": {"opening", "valve", "damper", "vane", "stroke"},
    "noise": {"noise", "acoustic", "sound", "spl"},
    "runtime": {"hours", "runtime", "uptime", "runhours", "operating"},
    "count": {"count", "counter", "cycles", "starts", "parts"},
    "oil quality": {"particles", "contamination", "viscosity", "debris", "moisture", "ferrous"},
}  # fmt: skip
_UNIT_QUANTITY = {
    "°C": "temperature", "K": "temperature", "mm/s": "vibration", "m/s²": "vibration", "A": "current", "V": "voltage",
    "W": "power", "J": "energy", "rpm": "speed", "N·m": "torque", "Hz": "frequency", "Pa": "pressure", "m³/s": "flow",
    "kg/s": "flow", "N": "force", "dB": "noise",
}  # fmt: skip
_PLACE_WORDS = {
    "de": {"de", "drive", "driveend", "ds", "drive-end"},
    "nde": {"nde", "nondrive", "non", "free", "opposite", "nds"},
    "ambient": {"ambient", "amb", "room", "outdoor", "outside", "oat", "environment", "air"},
    "winding": {"winding", "stator", "coil", "windings", "wdg"},
    "bearing": {"bearing", "brg", "bearings"},
    "housing": {"housing", "casing", "frame", "body", "case", "shell"},
    "oil": {"oil", "lube", "lubricant", "lubrication", "sump"},
    "coolant": {"coolant", "cooling", "jacket"},
    "inlet": {"inlet", "in", "entering", "intake", "suction", "return", "lpc"},
    "outlet": {"outlet", "out", "leaving", "discharge", "delivery", "exit", "final"},
    "supply": {"supply", "leaving", "out", "outlet", "lwt", "chws"},
    "return": {"return", "entering", "in", "inlet", "ewt", "chwr"},
    "suction": {"suction", "inlet", "intake", "in"},
    "discharge": {"discharge", "outlet", "delivery", "out", "exit"},
    "condenser": {"condenser", "cond", "condensing", "tower", "cw", "cws", "cwr"},
    "evaporator": {"evaporator", "evap", "chilled", "chw", "evaporating"},
    "spindle": {"spindle", "tool", "cutting", "cutter"},
    "axis": {"axis", "servo", "slide", "ballscrew", "table"},
    "exhaust": {"exhaust", "egt", "tot", "after"},
    "turbine": {"turbine", "tit", "hpt", "lpt", "combustor", "gas"},
    "compressor": {"compressor", "hpc", "comp", "cdp", "cdt"},
    "tank": {"tank", "reservoir", "receiver", "vessel", "line"},
    "filter": {"filter", "strainer"},
    "motor": {"motor", "mtr", "drive"},
    "seal": {"seal", "leak", "leakage", "gland"},
    "core": {"core", "nc", "hp"},
}  # fmt: skip


def words_of(sensor: Sensor) -> list[str]:
    """Returns the lower-case words of a sensor's quantity, component, position and name."""
    text = " ".join((sensor.quantity, sensor.component, sensor.position, sensor.name))
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


def quantity_of(sensor: Sensor) -> str:
    """Returns the quantity a sensor measures: from its quantity field, else its name, else its unit; "" if unknown."""
    for text in (sensor.quantity, sensor.name):
        spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
        words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
        joined = {"".join(pair) for pair in pairwise(words)} | {"_".join(pair) for pair in pairwise(words)}
        for quantity, vocabulary in _QUANTITY_WORDS.items():
            if vocabulary & (set(words) | joined):
                return quantity
    unit = parse_unit(sensor.unit) if sensor.unit else None
    if unit is None:
        return ""
    for symbol, quantity in _UNIT_QUANTITY.items():
        known = parse_unit(symbol)
        if known is not None and known.dimension == unit.dimension:
            return quantity
    return ""


def signal_for(sensor: Sensor, signals: list[Signal]) -> Signal | None:
    """Returns the signal of the sensor's quantity whose place its words describe best; None without that quantity."""
    quantity = quantity_of(sensor)
    words = set(words_of(sensor))
    if quantity == "speed" and words & {"nc", "hp"}:
        words.add("core")
    best: tuple[float, Signal] | None = None
    for order, signal in enumerate(signals):
        if signal.quantity != quantity:
            continue
        places = signal.place.split()
        met = sum(1.0 for place in places if words & _PLACE_WORDS.get(place, {place}))
        score = met - 0.6 * (len(places) - met) - 0.001 * order
        if best is None or score > best[0]:
            best = (score, signal)
    return best[1] if best else None


def constant(shape: tuple[int, int], value: float = 1.0) -> Array:
    """Returns an array of one value."""
    return np.full(shape, value)
