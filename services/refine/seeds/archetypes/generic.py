"""Any other machine: a motor's relations where the quantities are known, and for a quantity that no archetype knows a
mixture of load, weather and wear whose weights follow from the sensor's name."""

from __future__ import annotations

import zlib

import numpy as np

from services.machines.profile import Sensor
from services.refine.seeds.archetypes import motor
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "imbalance", "insulation")


def signals(plant: Plant) -> list[Signal]:
    """Returns a motor's signals and simple flows, pressures and levels that follow the load."""
    dirt = plant.sawtooth(4)
    wear = np.maximum.reduce(list(plant.wear.values()))
    return [
        *motor.signals(plant),
        Signal("flow", "", "ratio", plant.demand * (1 - 0.05 * dirt)),
        Signal("fuel flow", "", "ratio", 0.2 + 0.8 * plant.demand),
        Signal("pressure", "", "ratio", 0.7 + 0.3 * plant.demand**2),
        Signal("differential pressure", "", "ratio", plant.demand**2 * (0.75 + 0.5 * dirt)),
        Signal("force", "", "ratio", plant.demand),
        Signal("feed", "", "ratio", 0.5 + 0.5 * plant.demand),
        Signal("level", "", "around", 0.4 * plant.wandering(5400)),
        Signal("position", "", "ratio", 0.4 + 0.6 * plant.demand),
        Signal("wear", "", "around", -0.8 + 1.6 * plant.age, symptom=0.5 * wear),
        Signal("capacity", "", "ratio", plant.demand),
        Signal("dew point", "", "around", 0.6 * plant.weather),
        Signal("cop", "", "around", -0.4 * (plant.demand - 1) - 0.3 * wear),
    ]


def unknown(plant: Plant, sensor: Sensor) -> Signal:
    """Returns a signal for a sensor of unknown quantity; its weights follow from its name, whatever the seed."""
    weights = np.random.default_rng(zlib.crc32(sensor.name.encode())).uniform(-1, 1, 4)
    wear = np.maximum.reduce(list(plant.wear.values()))
    own = 0.15 * plant.wandering(30 * plant.dt_s)
    mixed = 0.8 * weights[0] * (plant.demand - 1) + 0.25 * weights[1] * plant.weather + own
    return Signal("", sensor.name, "around", mixed, symptom=0.7 * abs(weights[2]) * wear, sinks=bool(weights[3] < 0))
