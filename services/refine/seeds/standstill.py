"""Standstill: when a machine is switched off, and what its sensors read then.

A machine stands still in seed rows if its profile has a state for it (off, stopped) and the limits of everything that
is zero then allow zero; a profile that knows no standstill describes a record without one. Flow of current, power,
movement and media stop at once; heat goes on to the level of its surroundings with the machine's own lag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.machines.profile import MachineProfile
from services.refine.seeds.instrument import ZERO_AT_REST, Rated
from services.refine.seeds.physics import Array
from services.refine.seeds.plant import Plant

STOPPED = re.compile(r"off|stop|halt|0|aus|closed|shut|stillstand|arrêt|parad", re.IGNORECASE)
ALMOST_ZERO = 0.02  # of the typical value: a lower limit up to here allows standstill
LONGEST_NIGHT_H, MORNING_H = 22.0, 6.0
COOLING_S = 1800.0  # time constant of a machine that stands (housing, IEC 60034-1 orders of magnitude)
_STOPS_A_SAMPLE = 1 / 250
_MEAN_STOP_S, _FEWEST_SAMPLES = 3600.0, 6
_LAST_SAMPLES = 30  # before a failure the machine works


def may_stand_still(profile: MachineProfile, rated: Sequence[Rated]) -> bool:
    """Returns whether the profile has a state that means stopped, and limits that let the machine be it."""
    states = [state for sensor in profile.columns if sensor.role == "state" for state in sensor.states]
    named = any(len(state) > 1 and STOPPED.search(state) for state in states)
    return named and all(r.low <= ALMOST_ZERO * abs(r.typical) for r in rated if is_zero_at_rest(r))


def is_zero_at_rest(rated: Rated) -> bool:
    """Returns whether the sensor reads zero on a machine that is switched off."""
    return rated.signal.quantity in ZERO_AT_REST and rated.signal.form == "ratio" and rated.sensor.role == "measurement"


def working(plant: Plant, duty: str, seed: int) -> NDArray[np.bool_]:
    """Returns where the machine works, (stretches, samples): stops now and then, and at night in every second run of a
    machine that works in shifts. It works before its failure."""
    rng = np.random.default_rng([seed, 5])
    rows, samples = plant.shape
    mean = max(_MEAN_STOP_S / plant.dt_s, _FEWEST_SAMPLES)
    stops = rng.random(plant.shape) < _STOPS_A_SAMPLE
    left = np.where(stops, np.ceil(rng.exponential(mean, plant.shape)), 0.0)
    until = np.maximum.accumulate(np.where(stops, np.arange(samples)[None, :] + left, 0.0), axis=1)
    stands = np.arange(samples)[None, :] < until
    if duty == "shifts":
        hour = (plant.clock_s / 3600) % 24
        by_day = (plant.timeline.run.astype(int) % 2 == 0) & (plant.dt_s < 3600)
        stands |= by_day & ((hour >= LONGEST_NIGHT_H) | (hour < MORNING_H))
    left_s = plant.timeline.life_s - plant.timeline.age_s
    stands &= left_s > _LAST_SAMPLES * plant.dt_s
    return np.asarray(~stands).reshape(rows, samples)


def warmth(plant: Plant, works: NDArray[np.bool_]) -> Array:
    """Returns how much of its working heat the machine has, 0 to 1: it follows the switch with a first-order lag."""
    return plant.lag(works.astype(np.float64), COOLING_S)
