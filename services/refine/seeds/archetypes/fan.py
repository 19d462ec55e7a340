"""Fan: flow ~ n, pressure ~ n^2, shaft power ~ n^3 (affinity laws), a filter that clogs and is changed, belt wear."""

from __future__ import annotations

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, electric_drive, weather
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "imbalance", "belt")


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a fan behind a frequency converter."""
    belt, dirt = plant.wear["belt"], plant.sawtooth(4)
    frequency = 0.35 + 0.65 * plant.demand
    speed = frequency * (1 - 0.08 * belt)
    flow = speed * (1.06 - 0.12 * dirt)
    pressure = speed**2 * (0.96 + 0.08 * dirt)
    torque = flow * pressure / speed
    return [
        *weather(plant),
        Signal("speed", "", "ratio", speed, noise=0.002),
        Signal("flow", "", "ratio", flow),
        Signal("pressure", "", "ratio", pressure),
        Signal("differential pressure", "filter", "ratio", (0.7 + 0.6 * dirt) * flow**2, symptom=0.3 * belt),
        Signal("differential pressure", "", "ratio", pressure),
        Signal("temperature", "inlet", "around", plant.weather),
        Signal(
            "temperature", "outlet", "above", plant.lag(pressure / np.maximum(flow, 0.1), 300), base="temperature inlet"
        ),
        Signal("position", "", "ratio", np.minimum(0.5 + 0.5 * plant.demand, 1.3)),
        Signal("load", "", "ratio", plant.demand),
        *electric_drive(plant, torque, frequency),
        *bearings(plant, speed),
    ]
