"""Seed rows from a profile: run-to-failure lives of the machine that it describes.

Promises every column sensor of the profile inside its limits, a true RUL and the same rows for the same seed. Refuses
profiles whose sensors have no range (SEED_LIMITS_MISSING) rather than inventing one. The physics is in archetypes/.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.refine.seeds import errors as errors
from services.refine.seeds.archetypes import Archetype, archetype_for, generic
from services.refine.seeds.instrument import Rated, Readings, rate
from services.refine.seeds.plant import Plant, Timeline, make_timeline
from services.refine.seeds.signals import Signal, signal_for
from services.refine.seeds.standstill import may_stand_still, warmth, working
from services.refine.seeds.states import state_of

MAX_ROWS = 10_000_000
DEFAULT_PERIOD_S = 60.0
_PILOT_ROWS = 3000
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def generate_seed_rows(profile: MachineProfile, rows: int = 10_000, seed: int = 0) -> pl.DataFrame:
    """Returns `rows` rows: run_id, timestamp (µs, UTC), the profile's column sensors in profile order, rul.

    Samples of a run are `sampling_period_s` apart (60 s where the profile has none); a life much longer than the rows
    allow is seen through recording windows. RUL is in the profile's unit (hours without one) and ends at 0 in each run.
    Raises SensorForgeError: SEED_ROWS_INVALID, SEED_LIMITS_MISSING.
    """
    if not 1 <= rows <= MAX_ROWS:
        raise SensorForgeError(
            "SEED_ROWS_INVALID", f"{rows:,} seed rows were asked for; 1 to {MAX_ROWS:,} can be made."
        )
    archetype = archetype_for(profile)
    swing = _fitting_swing(profile, archetype, seed)
    timeline = _timeline(profile, rows, seed)
    plant = Plant(timeline, archetype.duty, archetype.failure_modes, swing, seed)
    readings, rated = _instruments(profile, archetype, plant)
    works = np.ones(plant.shape, dtype=bool)
    if may_stand_still(profile, rated):
        works = working(plant, archetype.duty, seed)
        readings.stand_still(works, warmth(plant, works))
    rng = np.random.default_rng([seed, 2])
    by_name = {r.sensor.name: r for r in rated}
    columns: dict[str, pl.Series] = _time_columns(timeline)
    for sensor in profile.columns:
        if sensor.role == "state":
            columns[sensor.name] = pl.Series(sensor.name, state_of(plant, sensor, works).tolist(), dtype=pl.String)
        else:
            columns[sensor.name] = pl.Series(sensor.name, readings.read(by_name[sensor.name], rng))
    columns["rul"] = pl.Series("rul", np.round(timeline.rul[timeline.used], 6))
    return pl.DataFrame(columns)


def _timeline(profile: MachineProfile, rows: int, seed: int) -> Timeline:
    period = profile.sampling_period_s or DEFAULT_PERIOD_S
    return make_timeline(rows, period, profile.rul_unit, profile.rul_max, np.random.default_rng([seed, 0]))


def _instruments(profile: MachineProfile, archetype: Archetype, plant: Plant) -> tuple[Readings, list[Rated]]:
    """Returns the readings of the archetype's physics, with generic physics for what the archetype does not know."""
    signals = archetype.signals(plant)
    known = {signal.quantity for signal in signals}
    signals += [signal for signal in generic.signals(plant) if signal.quantity not in known]

    def signal_of(sensor: Sensor) -> Signal:
        return signal_for(sensor, signals) or generic.unknown(plant, sensor)

    rated = rate(profile, signal_of)
    return Readings(plant, signals, rated), rated


def _fitting_swing(profile: MachineProfile, archetype: Archetype, seed: int) -> float:
    """Returns the widest swing of demand (at most 1) that a short trial keeps within all sensors' limits."""
    swing = 1.0
    timeline = _timeline(profile, _PILOT_ROWS, seed)
    for _ in range(4):
        plant = Plant(timeline, archetype.duty, archetype.failure_modes, swing, seed)
        readings, rated = _instruments(profile, archetype, plant)
        worst = max((readings.crowding(r) for r in rated), default=0.0)
        if worst <= 1:
            break
        swing = max(0.25, swing * max(0.5, 0.95 / worst))
    return swing


def _time_columns(timeline: Timeline) -> dict[str, pl.Series]:
    used = timeline.used
    run = timeline.run[used].astype(np.int64)
    age, life = timeline.age_s[used], timeline.life_s[used]
    first = np.searchsorted(run, np.arange(run.max() + 1))
    pause = max(3600.0, 10 * timeline.dt_s)  # a repair between two lives
    starts = np.concatenate([[0.0], np.cumsum(np.ceil((life[first] + pause) / timeline.dt_s) * timeline.dt_s)[:-1]])
    microseconds = np.round((starts[run] + age) * 1e6).astype(np.int64) + int(_EPOCH.timestamp() * 1e6)
    width = max(3, len(str(run.max() + 1)))
    return {
        "run_id": pl.Series("run_id", [f"seed-{number + 1:0{width}d}" for number in range(run.max() + 1)]).gather(run),
        "timestamp": pl.Series("timestamp", microseconds).cast(pl.Datetime("us", "UTC")),
    }
