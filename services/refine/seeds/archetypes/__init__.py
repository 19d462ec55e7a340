"""The kinds of machine whose physics is known, and which of them a profile describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from services.machines.profile import MachineProfile
from services.refine.seeds.archetypes import chiller, cnc, compressor, fan, generic, motor, pump, turbine
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import Signal


@dataclass(frozen=True)
class Archetype:
    """A kind of machine: the words that name it, how it is driven, what it dies of and its physics."""

    name: str
    words: frozenset[str]
    duty: str
    failure_modes: tuple[str, ...]
    signals: Callable[[Plant], list[Signal]]


def _archetype(
    name: str, words: str, duty: str, modes: tuple[str, ...], signals: Callable[[Plant], list[Signal]]
) -> Archetype:
    return Archetype(name, frozenset(words.split()), duty, modes, signals)


GENERIC = _archetype("generic", "", "steps", generic.FAILURE_MODES, generic.signals)
# Most telling first: a "pump motor" with flow and pressure is a pump; "air compressor" is no fan.
ARCHETYPES: tuple[Archetype, ...] = (
    _archetype(
        "chiller", "chiller hvac refrigeration heatpump cooler", "weather", chiller.FAILURE_MODES, chiller.signals
    ),
    _archetype(
        "turbine", "turbine turbofan engine jet gasturbine generator", "shifts", turbine.FAILURE_MODES, turbine.signals
    ),
    _archetype("compressor", "compressor aircompressor screw", "shifts", compressor.FAILURE_MODES, compressor.signals),
    _archetype("cnc", "cnc milling lathe machining mill drill spindle", "cycles", cnc.FAILURE_MODES, cnc.signals),
    _archetype("pump", "pump", "steps", pump.FAILURE_MODES, pump.signals),
    _archetype("fan", "fan blower ahu ventilator", "shifts", fan.FAILURE_MODES, fan.signals),
    _archetype("motor", "motor drive servo gearbox conveyor", "shifts", motor.FAILURE_MODES, motor.signals),
    GENERIC,
)


def archetype_for(profile: MachineProfile) -> Archetype:
    """Returns the archetype that the profile's category names, else its title, its id, else its sensors' components."""
    components = " ".join(f"{sensor.component} {sensor.name}" for sensor in profile.columns)
    for text in (profile.category, profile.title, profile.machine_id, components):
        words = [word for word in re.split(r"[^a-z]+", text.lower()) if word]
        words += ["".join(pair) for pair in pairwise(words)]
        words += [word[:-1] for word in words if word.endswith("s")]
        for archetype in ARCHETYPES:
            if archetype.words & set(words):
                return archetype
    return GENERIC
