"""Centrifugal pump: affinity laws, head curve, hydraulic power, wear of the impeller, cavitation, leaking seal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, electric_drive, weather
from services.refine.seeds.physics import Array, hydraulic_efficiency, pump_head
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "impeller", "cavitation", "seal")


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a motor-driven pump whose speed follows the flow that is asked for."""
    impeller, cavitation, seal = plant.wear["impeller"], plant.wear["cavitation"], plant.wear["seal"]
    speed = 0.55 + 0.45 * plant.demand
    flow = plant.demand * (1 - 0.12 * impeller - 0.06 * seal - 0.08 * cavitation)
    head = pump_head(speed, flow) * (1 - 0.15 * impeller - 0.06 * cavitation)
    efficiency = hydraulic_efficiency(flow, speed) * (1 - 0.18 * impeller - 0.1 * cavitation)
    hydraulic = flow * head
    torque = hydraulic / efficiency / speed
    clogging = plant.sawtooth(4)
    fluid = 0.5 * plant.weather + 0.2 * plant.wandering(7200)
    suction = -0.25 * (plant.demand**2 - 1) - 0.3 * clogging + 0.15 * plant.wandering(3600)
    return [
        *weather(plant),
        Signal("flow", "", "ratio", flow),
        Signal("flow", "seal", "ratio", np.ones(plant.shape) * plant.per_run(0.05), symptom=seal),
        Signal("pressure", "suction", "around", suction),
        Signal("pressure", "discharge", "above", head, base="pressure suction"),
        Signal("differential pressure", "", "ratio", head),
        Signal("differential pressure", "filter", "ratio", (0.7 + 0.6 * clogging) * flow**2),
        Signal("efficiency", "", "ratio", efficiency, noise=0.004),
        Signal("temperature", "inlet", "around", fluid),
        Signal("temperature", "outlet", "above", plant.lag(0.9 + 0.1 / efficiency, 300), base="temperature inlet"),
        Signal("temperature", "seal", "above", plant.lag(speed, 600), base="temperature ambient", symptom=0.7 * seal),
        Signal("level", "", "around", -0.3 * (plant.demand - 1) + 0.3 * plant.wandering(5400)),
        Signal("position", "", "ratio", np.minimum(0.4 + 0.6 * plant.demand, 1.3)),
        Signal("load", "", "ratio", hydraulic / efficiency),
        *electric_drive(plant, torque, speed),
        *_shaken(plant, speed, cavitation),
    ]


def _shaken(plant: Plant, speed: Array, cavitation: Array) -> list[Signal]:
    """Returns bearing signals whose vibration also rises with cavitation."""
    out = []
    for signal in bearings(plant, speed):
        if signal.quantity == "vibration" and signal.symptom is not None:
            out.append(replace(signal, symptom=np.maximum(signal.symptom, 0.7 * cavitation)))
        else:
            out.append(signal)
    return out
