"""Air compressor: adiabatic compression, load and idle, receiver between cut-in and cut-out, fouling, leaks."""

from __future__ import annotations

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, electric_drive, weather
from services.refine.seeds.physics import compression_rise
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "valve", "fouling", "leak")
PRESSURE_RATIO = 8.0  # a shop-air compressor: 7 bar(g) over the atmosphere


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on an oil-injected screw or piston compressor with a receiver."""
    valve, fouling, leak = plant.wear["valve"], plant.wear["fouling"], plant.wear["leak"]
    dirt = plant.sawtooth(5)
    swing = 0.5 * (2 / np.pi) * np.arcsin(np.sin(2 * np.pi * plant.clock_s / max(600.0, 12 * plant.dt_s)))
    pressure = 1 + plant.swing * (0.06 * swing - 0.04 * (plant.demand - 1)) - 0.05 * leak
    ratio = 1 + (PRESSURE_RATIO - 1) * pressure
    efficiency = 1 - 0.12 * valve - 0.06 * fouling
    work = compression_rise(ratio, efficiency) / compression_rise(np.array(PRESSURE_RATIO), np.array(1.0))
    intake = np.maximum(plant.demand + 0.15 * leak, 0.05)
    flow = intake * (1 - 0.15 * valve - 0.05 * dirt)
    torque = np.maximum(0.25 + 0.75 * intake * work, 0.1)
    heat = plant.lag(0.35 + 0.65 * torque, 900)
    cooler = 1 + 0.25 * fouling + 0.08 * dirt
    return [
        *weather(plant),
        Signal("pressure", "discharge", "ratio", pressure),
        Signal("pressure", "tank", "ratio", plant.lag(pressure, 60) * 0.99),
        Signal(
            "pressure",
            "oil",
            "ratio",
            1 - 0.12 * (heat - 1) - 0.05 * dirt,
            symptom=0.6 * plant.wear["bearing"],
            sinks=True,
        ),
        Signal("pressure", "inlet", "around", -0.3 * dirt - 0.2 * (intake - 1)),
        Signal("differential pressure", "", "ratio", (0.75 + 0.5 * dirt) * flow**2, symptom=0.4 * fouling),
        Signal("flow", "", "ratio", flow),
        Signal(
            "temperature",
            "discharge",
            "above",
            plant.lag(work, 180) * cooler,
            base="temperature ambient",
            symptom=0.5 * valve,
        ),
        Signal("temperature", "oil", "above", heat * cooler, base="temperature ambient", symptom=0.6 * fouling),
        Signal("temperature", "coolant", "above", heat * cooler, base="temperature ambient", symptom=0.4 * fouling),
        Signal("temperature", "inlet", "around", plant.weather),
        Signal("dew point", "", "around", 0.4 * plant.weather + 0.3 * (flow - 1), symptom=0.5 * fouling),
        Signal("level", "oil", "around", -0.4 * plant.sawtooth(6), symptom=0.5 * leak, sinks=True),
        Signal("load", "", "ratio", intake),
        *electric_drive(plant, torque, np.ones(plant.shape)),
        *bearings(plant, np.ones(plant.shape)),
    ]
