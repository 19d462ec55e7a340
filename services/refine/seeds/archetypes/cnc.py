"""CNC machine: cutting force grows with tool wear (changed many times in a life), spindle load, heat, axis friction."""

from __future__ import annotations

import numpy as np

from services.refine.seeds.archetypes.motor import bearings, electric_drive, weather
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal

FAILURE_MODES = ("bearing", "ballscrew", "coolant")


def signals(plant: Plant) -> list[Signal]:
    """Returns what can be measured on a machining centre working through jobs of several kinds of cut."""
    screw, pump = plant.wear["ballscrew"], plant.wear["coolant"]
    tool = plant.sawtooth(24)
    flank = (
        0.25 * tool**0.5 + 0.55 * tool + 0.7 * np.maximum(tool - 0.8, 0)
    )  # break-in, steady, run-out: Taylor's curve
    speed = plant.swung(plant.lag(1.15 - 0.15 * plant.demand, 2 * plant.dt_s))
    feed = np.maximum(plant.swung(0.5 + 0.5 * plant.demand), 0.05)
    force = plant.demand * (0.85 + 0.35 * flank)
    torque = np.maximum(0.15 + 0.85 * force, 0.05)
    heat = plant.lag(0.3 + 0.7 * torque * speed, 1500)
    chatter = 0.25 * flank * plant.demand
    spindle = [
        Signal("vibration", "spindle", "ratio", s.values * (0.85 + chatter), symptom=s.symptom, noise=0.025)
        for s in bearings(plant, speed)[:1]
    ]
    return [
        *weather(plant),
        *spindle,
        Signal("speed", "spindle", "ratio", speed, noise=0.002),
        Signal("load", "spindle", "ratio", torque * (1 + 0.05 * plant.wear["bearing"])),
        Signal("torque", "spindle", "ratio", torque),
        Signal("feed", "", "ratio", feed, noise=0.003),
        Signal("force", "", "ratio", force),
        Signal("wear", "", "ratio", 2 * flank),
        Signal(
            "temperature", "spindle", "above", heat, base="temperature ambient", symptom=0.6 * plant.wear["bearing"]
        ),
        Signal(
            "temperature",
            "coolant",
            "above",
            plant.lag(heat, 2400) * (1 + 0.1 * pump),
            base="temperature ambient",
            symptom=0.4 * pump,
        ),
        Signal(
            "temperature",
            "axis",
            "above",
            plant.lag(0.5 + 0.5 * feed, 1800),
            base="temperature ambient",
            symptom=0.5 * screw,
        ),
        Signal("current", "axis", "ratio", 0.6 + 0.4 * feed * (1 + 0.2 * screw), symptom=0.5 * screw),
        Signal("load", "axis", "ratio", 0.6 + 0.4 * feed, symptom=0.5 * screw),
        Signal("vibration", "axis", "ratio", 0.7 + 0.3 * feed + 0.2 * chatter, symptom=screw, noise=0.025),
        Signal("pressure", "coolant", "ratio", 1 - 0.04 * plant.sawtooth(6), symptom=0.6 * pump, sinks=True),
        Signal("flow", "coolant", "ratio", 1 - 0.06 * plant.sawtooth(6), symptom=0.6 * pump, sinks=True),
        Signal("level", "coolant", "around", 0.4 - 0.8 * plant.sawtooth(12)),
        Signal("pressure", "", "ratio", 1 + 0.02 * plant.wandering(900)),
        Signal("position", "", "around", 0.5 * plant.wandering(20 * plant.dt_s)),
        *electric_drive(plant, torque, speed),
        *bearings(plant, speed),
    ]
