"""Induction motor: P = v i cos(phi) (per unit), slip, copper and iron losses, winding and bearing heat, imbalance.

Also lends its drive (`electric_drive`, `bearings`) to the machines that a motor drives.
"""

from __future__ import annotations

import numpy as np

from services.refine.seeds.physics import Array, induction_speed, motor_power, power_factor
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "imbalance", "insulation")


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a motor that drives a changing torque."""
    frequency = np.ones(plant.shape)
    return [
        *weather(plant),
        *electric_drive(plant, plant.demand, frequency),
        *bearings(plant, frequency),
        Signal("load", "", "ratio", plant.demand),
    ]


def weather(plant: Plant) -> list[Signal]:
    """Returns ambient temperature and humidity, which falls when it gets warmer."""
    damp = -0.5 * plant.weather + 0.25 * plant.wandering(6 * 3600)
    return [
        Signal("temperature", "ambient", "around", plant.weather, noise=0.004),
        Signal("humidity", "", "around", damp),
    ]


def electric_drive(plant: Plant, torque: Array, frequency: Array, *, shaft_share: float = 1.0) -> list[Signal]:
    """Returns the electrical and thermal signals of a motor under `torque` at supply `frequency`, all per unit.

    `shaft_share` < 1 damps the torque for machines where the motor serves other loads as well.
    """
    insulation = plant.wear.get("insulation", np.zeros(plant.shape))
    voltage = (1 + 0.008 * plant.wandering(1800)) * plant.per_run(0.004)
    torque = 1 + (torque - 1) * shaft_share
    torque = torque * (1 + 0.04 * plant.wear.get("bearing", np.zeros(plant.shape)))
    speed = induction_speed(torque, frequency, voltage)
    shaft = torque * speed
    power = motor_power(shaft, torque) * (1 + 0.05 * insulation)
    factor = power_factor(torque) * plant.per_run(0.006)
    current = power / (voltage * factor)
    heat = plant.lag(current**2, 900) * (1 + 0.10 * insulation)
    return [
        Signal("current", "", "ratio", current),
        Signal("voltage", "", "ratio", voltage, noise=0.003),
        Signal("power factor", "", "ratio", factor, noise=0.003),
        Signal("power", "", "ratio", power),
        Signal("energy", "", "counter", power),
        Signal("frequency", "", "ratio", frequency, noise=0.001),
        Signal("speed", "", "ratio", speed, noise=0.002),
        Signal("torque", "", "ratio", torque),
        Signal("efficiency", "", "ratio", shaft / power * (1 - 0.02 * insulation), noise=0.003),
        Signal("temperature", "winding", "above", heat, base="temperature ambient", symptom=0.7 * insulation),
        Signal("temperature", "housing", "above", plant.lag(0.3 + 0.7 * heat, 1800), base="temperature ambient"),
        Signal("runtime", "", "counter", np.ones(plant.shape)),
        Signal("count", "", "counter", (plant.demand > 0.9).astype(float)),
    ]


def bearings(plant: Plant, speed: Array) -> list[Signal]:
    """Returns vibration and heat of both bearings; the drive end suffers first (ISO 20816 zones A to D)."""
    bearing = plant.wear.get("bearing", np.zeros(plant.shape))
    imbalance = plant.wear.get("imbalance", np.zeros(plant.shape))
    running = (
        speed**2 * (0.75 + 0.25 * plant.demand) * (1 + 0.05 * plant.wandering(5 * plant.dt_s)) * plant.per_run(0.06)
    )
    friction = plant.lag(0.45 + 0.35 * speed + 0.2 * plant.demand, 1200)
    near, far = np.maximum(bearing, 0.7 * imbalance), np.maximum(0.45 * bearing, 0.6 * imbalance)
    return [
        Signal("vibration", "de", "ratio", running, symptom=near, noise=0.02),
        Signal("vibration", "nde", "ratio", running * plant.per_run(0.03), symptom=far, noise=0.02),
        Signal("temperature", "bearing de", "above", friction, base="temperature ambient", symptom=0.75 * bearing),
        Signal("temperature", "bearing nde", "above", friction, base="temperature ambient", symptom=0.35 * bearing),
        Signal(
            "temperature", "oil", "above", plant.lag(friction, 2400), base="temperature ambient", symptom=0.4 * bearing
        ),
        Signal("noise", "", "around", 0.4 * (running - 1), symptom=0.6 * near),
        Signal("oil quality", "", "ratio", 1 + 0.2 * plant.sawtooth(3), symptom=0.8 * bearing),
    ]
