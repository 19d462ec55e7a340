"""The time line of a machine: lives from new to failure, what it is asked to do, the weather around it and its wear.

A plant is a set of stretches (rows of a matrix) of equally spaced samples. A life that fits the wanted number of rows
is one stretch; a longer one is seen through recording windows spread over it, the last of which ends in the failure.
So the remaining life is always true and in step with the timestamps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.refine.seeds.physics import Array, first_order_lag, steps, wandering

ROWS_A_LIFE = 700  # in 10,000 rows: 14 lives, enough to split by run
WINDOW_ROWS = 50
DAY_S = 86_400.0
_TIME_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": DAY_S, "day": DAY_S, "week": 7 * DAY_S, "month": 30 * DAY_S, "year": 365 * DAY_S, "a": 365 * DAY_S,
}  # fmt: skip


@dataclass(frozen=True)
class Timeline:
    """When each sample is taken. Arrays are (stretches, samples); `used` marks the samples that become rows."""

    run: Array
    age_s: Array
    life_s: Array
    used: np.ndarray
    dt_s: float
    rul_factor: float

    @property
    def rul(self) -> Array:
        """Remaining life in the profile's unit, 0 at failure."""
        return np.asarray((self.life_s - self.age_s) / self.rul_factor)


def rul_seconds(unit: str, dt_s: float) -> float:
    """Returns the seconds of one unit of remaining life; units that are no time (cycles, rows) are one sample each."""
    word = unit.strip().casefold()
    if not word:
        return 3600.0
    return _TIME_UNITS.get(word, _TIME_UNITS.get(word.rstrip("s"), dt_s))


def make_timeline(rows: int, dt_s: float, rul_unit: str, rul_max: float | None, rng: np.random.Generator) -> Timeline:
    """Returns a time line of exactly `rows` used samples, run by run, every run ending in its failure."""
    factor = rul_seconds(rul_unit, dt_s)
    lives = max(1, round(rows / ROWS_A_LIFE))
    longest = rul_max * factor / dt_s if rul_max is not None else 1.25 * max(rows / lives, 2)
    life_rows = np.maximum(np.floor(longest * rng.uniform(0.6, 1.0, 4 * lives + 4)), 1)
    if longest <= 2 * ROWS_A_LIFE or rows / lives >= longest:
        return _whole_lives(rows, life_rows, dt_s, factor, rng, longest)
    return _windows(rows, lives, life_rows[:lives], dt_s, factor, rng)


def _whole_lives(
    rows: int, life_rows: Array, dt_s: float, factor: float, rng: np.random.Generator, longest: float
) -> Timeline:
    while life_rows.sum() < rows:
        more = np.maximum(np.floor(longest * rng.uniform(0.6, 1.0, len(life_rows))), 1)
        life_rows = np.concatenate([life_rows, more])
    ends = np.cumsum(life_rows)
    count = int(np.searchsorted(ends, rows)) + 1
    life_rows = life_rows[:count]
    seen = life_rows.copy()
    seen[-1] -= ends[count - 1] - rows  # the last life is joined late, so that it too ends in its failure
    column = np.arange(int(seen.max()))[None, :]
    position = column + (life_rows - seen)[:, None] + 1
    return Timeline(
        run=np.repeat(np.arange(count, dtype=float)[:, None], column.shape[1], axis=1),
        age_s=np.asarray(position * dt_s, dtype=np.float64),
        life_s=np.repeat(life_rows[:, None] * dt_s, column.shape[1], axis=1),
        used=column < seen[:, None],
        dt_s=dt_s,
        rul_factor=factor,
    )


def _windows(rows: int, lives: int, life_rows: Array, dt_s: float, factor: float, rng: np.random.Generator) -> Timeline:
    per_life = max(1, round(rows / lives / WINDOW_ROWS))
    width = -(-rows // (lives * per_life))
    slack = np.maximum(life_rows - per_life * width, 0)[:, None]
    gaps = np.sort(rng.random((lives, per_life)), axis=1)
    gaps[:, -1] = 1.0
    start = np.floor(slack * gaps) + np.arange(per_life)[None, :] * width
    run = np.repeat(np.arange(lives, dtype=float), per_life)
    position = start.reshape(-1)[:, None] + np.arange(width)[None, :] + 1
    surplus = lives * per_life * width - rows
    used = np.ones(position.shape, dtype=bool)
    for stretch in range(len(used)):  # windows lose their first samples, evenly, until the count is exact
        used[stretch, : surplus // len(used) + (stretch < surplus % len(used))] = False
    life_s = np.maximum(life_rows, per_life * width)[:, None] * dt_s
    return Timeline(
        run=np.repeat(run[:, None], width, axis=1),
        age_s=np.asarray(position * dt_s, dtype=np.float64),
        life_s=np.repeat(np.repeat(life_s, per_life, axis=0), width, axis=1),
        used=used,
        dt_s=dt_s,
        rul_factor=factor,
    )


class Plant:
    """What happens to the machine along its time line; archetypes read it and add their own physics.

    `demand` is what is asked of it (1 = nominal), `regime` numbers the regimes, `weather` is the ambient's deviation
    (-1 cold night to 1 hot day), `wear[mode]` runs from 0 to 1 at failure for the modes that a run dies of.
    `swing` scales how far the machine is driven from its nominal point.
    """

    def __init__(self, timeline: Timeline, duty: str, modes: tuple[str, ...], swing: float, seed: int) -> None:
        self.timeline = timeline
        self.dt_s = timeline.dt_s
        self.shape = (timeline.age_s.shape[0], timeline.age_s.shape[1])
        self.rng = np.random.default_rng([seed, 1])
        self.swing = swing
        self.age = timeline.age_s / timeline.life_s
        run = timeline.run.astype(int)
        self._run_of_stretch = run[:, 0]
        runs = int(run.max()) + 1
        self._phase_s = self.rng.uniform(0, 365 * DAY_S, runs)[self._run_of_stretch][:, None]
        self.clock_s = timeline.age_s + self._phase_s
        self.weather = self._weather()
        self.demand, self.regime = self._demand(duty)
        self.wear = self._wear(modes, runs)

    def per_run(self, spread: float) -> Array:
        """Returns a factor around 1 that differs from run to run and stays within a run, (stretches, 1)."""
        runs = int(self._run_of_stretch.max()) + 1
        return np.asarray(1 + spread * np.clip(self.rng.normal(size=runs), -2.5, 2.5)[self._run_of_stretch][:, None])

    def lag(self, x: Array, time_constant_s: float) -> Array:
        """Returns x through a first-order lag."""
        return first_order_lag(np.broadcast_to(x, self.shape), time_constant_s, self.dt_s)

    def wandering(self, time_constant_s: float) -> Array:
        """Returns unit-variance noise with that memory."""
        return wandering(self.rng, self.shape, max(time_constant_s, self.dt_s), self.dt_s)

    def swung(self, x: Array) -> Array:
        """Returns x with its deviation from 1 scaled to what the machine's limits allow."""
        return np.asarray(1 + (x - 1) * self.swing)

    def sawtooth(self, resets: float) -> Array:
        """Returns dirt that grows from 0 to about 1 and is cleaned away `resets` times in a life (maintenance)."""
        offset = self.per_run(0.15)
        return np.asarray((self.age * (resets + 1) * offset) % 1.0)

    def _weather(self) -> Array:
        day = np.sin(2 * np.pi * (self.clock_s / DAY_S - 0.375))
        season = np.sin(2 * np.pi * self.clock_s / (365 * DAY_S))
        return np.asarray(0.35 * day + 0.40 * season + 0.12 * self.wandering(4 * 3600))

    def _demand(self, duty: str) -> tuple[Array, Array]:
        dwell = {"cycles": 12.0, "steps": 60.0}.get(duty, max(4 * 3600 / self.dt_s, 40.0))
        levels = {
            "cycles": np.array([0.25, 0.7, 1.0, 1.3]),
            "steps": np.array([0.6, 0.85, 1.0, 1.15]),
        }.get(duty, np.array([0.8, 0.95, 1.0, 1.1]))
        weights = np.array([0.2, 0.25, 0.4, 0.15])
        level = steps(self.rng, self.shape, dwell, levels, weights)
        regime = np.searchsorted(levels, level).astype(float)
        if duty == "weather":
            level = 1 + 0.35 * self.weather + 0.10 * (level - 1)
        hour = (self.clock_s / 3600) % 24
        if duty == "shifts":
            level = level * np.where((hour > 6) & (hour < 22), 1.0, 0.8)
        wander = 0.04 * self.wandering(20 * self.dt_s) + 0.02 * self.wandering(self.dt_s)
        settled = self.lag(level, 1.5 * self.dt_s) if duty == "cycles" else self.lag(level, 4 * self.dt_s)
        return np.maximum(self.swung(settled + wander), 0.02), regime

    def _wear(self, modes: tuple[str, ...], runs: int) -> dict[str, Array]:
        """Returns each mode's severity: age to a power (late modes bend late), 1 at failure for a run's own mode."""
        cause = self.rng.integers(0, len(modes), runs)
        wear: dict[str, Array] = {}
        for index, mode in enumerate(modes):
            share = np.where(cause == index, 1.0, self.rng.uniform(0.0, 0.35, runs))[self._run_of_stretch][:, None]
            power = self.rng.uniform(2.0, 5.0, runs)[self._run_of_stretch][:, None]
            wear[mode] = np.asarray(share * (0.06 * self.age + 0.94 * self.age**power))
        return wear
