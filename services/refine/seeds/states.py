"""State sensors: what a controller reports, by what the machine is asked to do and how near it is to failing."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from services.machines.profile import Sensor
from services.refine.seeds.plant import Plant
from services.refine.seeds.standstill import STOPPED

STARTING_SAMPLES = 2
_IDLE = re.compile(r"idle|standby|unload|wait|ready", re.IGNORECASE)
_STARTING = re.compile(r"start|ramp|boot|setup", re.IGNORECASE)
_SERVICE = re.compile(r"maint|service|clean|defrost|tool.?change", re.IGNORECASE)
_WARNING = re.compile(r"warn|degrad|caution", re.IGNORECASE)
_FAULT = re.compile(r"fault|fail|alarm|error|trip|critical|stör", re.IGNORECASE)


def state_of(plant: Plant, sensor: Sensor, works: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Returns one state a used sample: low demand idles, service comes now and then, faults only close to the end.

    Where the machine does not work (`works`, of the plant's shape) it is stopped, and starting for some samples
    afterwards. A state sensor without a list of states is either "idle" or "running".
    """
    used = plant.timeline.used
    states = list(sensor.states) or ["idle", "running"]
    patterns = (STOPPED, _IDLE, _STARTING, _SERVICE, _WARNING, _FAULT)
    stopped, idle, starting, service, warning, fault = (
        [state for state in states if (p.fullmatch(state) if len(state) == 1 else p.search(state))] for p in patterns
    )
    special = {*stopped, *idle, *starting, *service, *warning, *fault}
    working = [state for state in states if state not in special] or states
    demand, age = plant.demand[used], plant.age[used]
    edges = np.quantile(demand, np.linspace(0, 1, len(working) + 1)[1:-1])
    state = np.array(working, dtype=object)[np.searchsorted(edges, demand, side="right")]
    changed = np.zeros(plant.shape, dtype=bool)
    if works.all():
        changed[:, 1:] = plant.regime[:, 1:] != plant.regime[:, :-1]
    else:
        for after in range(1, STARTING_SAMPLES + 1):
            changed[:, after:] |= works[:, after:] & ~works[:, :-after]
    near_failure = np.minimum(0.01, 10 * plant.dt_s / plant.timeline.life_s[used])
    for names, where in (
        (idle, demand <= np.quantile(demand, 0.10)),
        (starting, changed[used]),
        (service, (plant.sawtooth(4)[used] < 0.02) & (age > 0.05)),
        (warning, age > 0.93),
        (fault, age > 1 - near_failure),
        (stopped[:1] if not works.all() else (), ~works[used]),
    ):
        for number, name in enumerate(names):
            state = np.where(where if number == 0 else where & (plant.regime[used] == number), name, state)
    return np.asarray(state.astype(str))
