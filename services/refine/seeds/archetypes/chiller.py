"""Chiller: cooling load by weather, flow x temperature difference, COP that falls with lift, heat rejected = Q + P."""

from __future__ import annotations

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, electric_drive, weather
from services.refine.seeds.physics import saturation_pressure
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("fouling", "refrigerant", "bearing")
NOMINAL_COP = 5.0  # water-cooled centrifugal at AHRI 550/590 conditions


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a water-cooled chiller and its two water circuits."""
    fouling, charge = plant.wear["fouling"], plant.wear["refrigerant"]
    scale = plant.sawtooth(3)
    cooling = np.maximum(plant.demand, 0.1)
    flow = 1 + plant.swing * 0.25 * (plant.lag(cooling, 600) - 1)
    difference = cooling / flow
    supply_error = 0.15 * plant.wandering(600) + 0.1 * (cooling - 1)
    condenser_flow = 1 + 0.02 * plant.wandering(1800)
    tower = 0.8 * plant.weather + 0.1 * plant.wandering(3600)
    lift = 0.5 * tower + 0.25 * (cooling - 1) + 0.2 * scale + 0.9 * fouling + 0.5 * charge
    part_load = 1 - 0.25 * (cooling - 0.8) ** 2
    cop = part_load / (1 - 0.25 * 0.2**2) * (1 - 0.16 * lift)
    power = cooling / np.maximum(cop, 0.3)
    rejected = (cooling + power / NOMINAL_COP) / (1 + 1 / NOMINAL_COP)
    condensing = saturation_pressure(6.0 * lift)
    evaporating = saturation_pressure(-2.0 * (cooling - 1) - 4.0 * charge)
    drive = [
        s
        for s in electric_drive(plant, power, np.ones(plant.shape))
        if s.quantity not in ("power", "energy", "current")
    ]
    voltage = next(s.values for s in drive if s.quantity == "voltage")
    factor = next(s.values for s in drive if s.quantity == "power factor")
    return [
        *weather(plant),
        Signal("temperature", "supply", "around", supply_error, noise=0.003),
        Signal("temperature", "return", "above", difference, base="temperature supply", noise=0.003),
        Signal("temperature", "condenser inlet", "around", tower, noise=0.003),
        Signal(
            "temperature",
            "condenser outlet",
            "above",
            rejected / condenser_flow,
            base="temperature condenser inlet",
            noise=0.003,
        ),
        Signal("temperature", "condenser", "around", 0.6 * lift, symptom=0.4 * fouling),
        Signal(
            "temperature", "evaporator", "around", -0.2 * (cooling - 1) - 0.2 * charge, symptom=0.5 * charge, sinks=True
        ),
        Signal(
            "temperature",
            "discharge",
            "above",
            plant.lag(0.8 + 0.2 * condensing / evaporating, 300),
            base="temperature ambient",
            symptom=0.4 * charge,
        ),
        Signal("pressure", "condenser", "ratio", condensing),
        Signal("pressure", "evaporator", "ratio", evaporating),
        Signal("pressure", "discharge", "ratio", condensing * 1.01),
        Signal("pressure", "suction", "ratio", evaporating * 0.99),
        Signal("pressure", "oil", "ratio", 1 - 0.03 * (cooling - 1), symptom=0.5 * plant.wear["bearing"], sinks=True),
        Signal("differential pressure", "", "ratio", flow**2 * (1 + 0.1 * scale)),
        Signal("flow", "evaporator", "ratio", flow),
        Signal("flow", "condenser", "ratio", condenser_flow),
        Signal("capacity", "", "ratio", cooling),
        Signal("load", "", "ratio", cooling),
        Signal("power", "", "ratio", power),
        Signal("energy", "", "counter", power),
        Signal("current", "", "ratio", power / (voltage * factor)),
        Signal("cop", "", "ratio", cooling / power, noise=0.004),
        Signal("efficiency", "", "ratio", power / cooling, noise=0.004),
        Signal("position", "", "ratio", np.minimum(0.3 + 0.7 * cooling, 1.3)),
        *drive,
        *bearings(plant, np.ones(plant.shape)),
    ]
