"""Gas turbine (Brayton cycle): temperatures and pressures of its sections by load, fouling and hot-section wear."""

from __future__ import annotations

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, weather
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("hot section", "fouling", "bearing")


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a gas turbine or turbofan that follows a load."""
    hot, fouling, dirt = plant.wear["hot section"], plant.wear["fouling"], plant.sawtooth(5)
    load = plant.demand
    speed = 0.8 + 0.2 * load
    density = 1 - 0.03 * plant.weather  # colder air is denser: more mass flow, more power
    air = speed * density * (1 - 0.05 * fouling - 0.02 * dirt)
    ratio = 1 + (air**2 - 1) * 0.9
    efficiency = np.maximum(1 - 0.06 * hot - 0.05 * fouling - 0.015 * dirt, 0.5)  # rows past a failure are not used
    fuel = (0.25 + 0.75 * load) / efficiency
    firing = fuel / np.maximum(air, 0.2)
    exhaust = 0.55 + 0.45 * firing
    compression = np.maximum(ratio, 0.1) ** 0.286 / efficiency**0.5
    return [
        *weather(plant),
        Signal("speed", "", "ratio", speed, noise=0.001),
        Signal("speed", "core", "ratio", 0.9 + 0.1 * speed + 0.01 * hot, noise=0.001),
        Signal("pressure", "compressor outlet", "ratio", ratio),
        Signal("pressure", "inlet", "around", 0.3 * plant.wandering(14400) - 0.2 * dirt),
        Signal("pressure", "exhaust", "ratio", 0.9 + 0.1 * air**2),
        Signal("pressure", "oil", "ratio", 0.95 + 0.05 * speed, symptom=0.5 * plant.wear["bearing"], sinks=True),
        Signal("differential pressure", "", "ratio", air**2 * (0.75 + 0.5 * dirt), symptom=0.4 * fouling),
        Signal("temperature", "inlet", "around", plant.weather),
        Signal("temperature", "compressor outlet", "above", compression, base="temperature inlet"),
        Signal("temperature", "turbine", "above", firing, base="temperature inlet", symptom=0.5 * hot),
        Signal("temperature", "exhaust", "above", plant.lag(exhaust, 30), base="temperature inlet", symptom=0.6 * hot),
        Signal("fuel flow", "", "ratio", fuel),
        Signal("flow", "", "ratio", air),
        Signal("power", "", "ratio", load * density),
        Signal("energy", "", "counter", load),
        Signal("torque", "", "ratio", load * density / speed),
        Signal("efficiency", "", "ratio", load * density / fuel, noise=0.004),
        Signal("load", "", "ratio", load),
        Signal("position", "", "ratio", np.minimum(0.4 + 0.6 * load, 1.2)),
        Signal("voltage", "", "ratio", 1 + 0.006 * plant.wandering(1800)),
        Signal("frequency", "", "ratio", 1 + 0.0008 * plant.wandering(60)),
        Signal("current", "", "ratio", load * density),
        Signal("runtime", "", "counter", np.ones(plant.shape)),
        *bearings(plant, speed),
    ]
