"""From physics to readings: typical values, limits, noise, drift and resolution of every sensor of a profile.

Promises readings inside the sensor's limits. It refuses (in `rate`) sensors whose range it would have to invent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.machines.units import convert, parse_unit
from services.refine.seeds import errors as errors
from services.refine.seeds.physics import Array
from services.refine.seeds.plant import Plant
from services.refine.seeds.signals import REFERENCE_CELSIUS, Signal, quantity_of

# Where between min and max a sensor usually reads, where the profile does not say.
_TYPICAL_SHARE = {"vibration": 0.2, "temperature": 0.45, "wear": 0.35, "differential pressure": 0.4}
# min, typical, max and unit of quantities that mean the same on every machine.
_NATURAL = {
    "power factor": (0.0, 0.85, 1.0, ""),
    "humidity": (0.0, 45.0, 100.0, "%"),
    "position": (0.0, 60.0, 100.0, "%"),
    "level": (0.0, 60.0, 100.0, "%"),
    "load": (0.0, 70.0, 120.0, "%"),
    "efficiency": (0.0, 88.0, 100.0, "%"),
    "frequency": (0.0, 50.0, 65.0, "Hz"),
}
_SYMPTOM_REACH = 0.85  # how near to its limit a sensor comes at a failure that it sees fully
# What is zero on a machine that is switched off; voltage, frequency of the mains and pressures are not.
ZERO_AT_REST = frozenset(
    {
        "current", "power", "speed", "torque", "flow", "fuel flow", "vibration", "differential pressure", "force",
        "feed", "load", "capacity",
    }
)  # fmt: skip
_MARGIN = 0.02  # share of the range kept free at both limits for noise


@dataclass(frozen=True)
class Rated:
    """A sensor with the range and typical value that its readings will have, in its unit."""

    sensor: Sensor
    signal: Signal
    low: float
    typical: float
    high: float

    @property
    def span(self) -> float:
        """Width of the range."""
        return self.high - self.low


def rate(profile: MachineProfile, signal_of: Callable[[Sensor], Signal]) -> list[Rated]:
    """Returns every measuring column of the profile with its range; state columns are left out.

    Raises SensorForgeError("SEED_LIMITS_MISSING") naming each sensor whose range follows from nothing, with the lines
    that would have to be added.
    """
    rated: list[Rated] = []
    missing: list[Sensor] = []
    for sensor in profile.columns:
        if sensor.role == "state":
            continue
        signal = signal_of(sensor)
        limits = _range(sensor, signal)
        if limits is None:
            missing.append(sensor)
        else:
            rated.append(Rated(sensor, signal, *limits))
    if missing:
        raise _refusal(profile, missing)
    return rated


def _range(sensor: Sensor, signal: Signal) -> tuple[float, float, float] | None:
    low, typical, high = sensor.min, sensor.typical, sensor.max
    share = _TYPICAL_SHARE.get(signal.quantity, 0.55)
    if low is not None and high is not None:
        return low, typical if typical is not None else low + share * (high - low), high
    if typical is not None:
        room = max(abs(typical), 1e-6)
        reach = 3.0 if signal.quantity == "vibration" else 0.8
        if signal.quantity == "temperature":
            room, reach = max(abs(_celsius(typical, sensor, typical)), 20.0), 0.6
        return (
            low if low is not None else min(typical - 0.8 * room, 0.0 if typical > 0 else np.inf),
            typical,
            high if high is not None else typical + reach * room,
        )
    if signal.quantity == "temperature" and signal.place in ("ambient", "inlet"):
        natural: tuple[float, float, float, str] | None = (-10.0, 24.0, 45.0, "°C")
    else:
        natural = _NATURAL.get(quantity_of(sensor))
    if natural is not None:
        return _natural_range(natural, sensor)
    if high is not None and high > 0:  # most quantities start at zero
        return 0.0, share * high, high
    return None


def _natural_range(natural: tuple[float, float, float, str], sensor: Sensor) -> tuple[float, float, float] | None:
    least, usual, most, unit = natural
    if sensor.unit and unit and sensor.unit != unit:
        ours, theirs = parse_unit(unit), parse_unit(sensor.unit)
        if ours is None or theirs is None or ours.dimension != theirs.dimension:
            return None
        least, usual, most = (float(v) for v in convert(np.array([least, usual, most]), unit, sensor.unit))
    low = sensor.min if sensor.min is not None else least
    high = sensor.max if sensor.max is not None else most
    return (low, min(max(usual, low), high), high) if low < high else None


def _refusal(profile: MachineProfile, missing: Sequence[Sensor]) -> SensorForgeError:
    names = ", ".join(sensor.name for sensor in missing[:6]) + (
        f" and {len(missing) - 6} more" if len(missing) > 6 else ""
    )
    lines = "; ".join(
        f"- {{name: {sensor.name}, unit: {sensor.unit or '?'}, min: ?, typical: ?, max: ?}}" for sensor in missing[:3]
    )
    return SensorForgeError(
        "SEED_LIMITS_MISSING",
        f"The profile of {profile.machine_id} gives no limits for {len(missing)} of its {len(profile.columns)} sensors "
        f"({names}), and nothing in their names, quantities or units says what they would read; seed rows would be "
        f"invented. Each needs min and max, or a typical value: {lines}.",
        metadata={"sensors": ",".join(sensor.name for sensor in missing)},
    )


def _celsius(value: float, sensor: Sensor, typical: float) -> float:
    return float(convert(np.array([value]), _temperature_unit(sensor, typical), "°C")[0])


def _temperature_unit(sensor: Sensor, typical: float) -> str:
    unit = parse_unit(sensor.unit) if sensor.unit else None
    celsius = parse_unit("°C")
    if unit is not None and celsius is not None and unit.dimension == celsius.dimension:
        return sensor.unit
    return "K" if typical > 200 else "°C"


class Readings:
    """Readings of the sensors of one plant, as matrices of the plant's shape in each sensor's unit."""

    def __init__(self, plant: Plant, signals: Sequence[Signal], rated: Sequence[Rated]) -> None:
        self.plant = plant
        self._works: NDArray[np.bool_] | None = None
        self._warmth: Array | None = None
        self._signals = {signal.name: signal for signal in reversed(signals)}
        self._at_place = {r.signal.name: r for r in reversed(rated)}

    def stand_still(self, works: NDArray[np.bool_], warmth: Array) -> None:
        """Has the machine stand still where it does not work, with so much of its heat left; both of its shape."""
        self._works, self._warmth = works, warmth

    def healthy(self, rated: Rated) -> Array:
        """Returns what an ideal instrument reads without the symptoms of wear, limits not yet applied."""
        signal, typical = rated.signal, rated.typical
        if signal.form == "ratio" and abs(typical) > 0.02 * rated.span:
            return np.asarray(typical * signal.values)
        if signal.form == "above":
            return self._above(rated)
        deviation = signal.values - 1 if signal.form == "ratio" else signal.values
        rooms = [room for room in (rated.high - typical, typical - rated.low) if room > 0.02 * rated.span]
        return np.asarray(typical + 0.5 * min(rooms, default=0.2 * rated.span) * deviation)

    def _above(self, rated: Rated) -> Array:
        """Returns typical + what the base does + (typical - typical base) x (values - 1)."""
        signal = rated.signal
        base = self._signals[signal.base]
        seat = self._at_place.get(signal.base)
        if base.quantity == "temperature":
            unit = _temperature_unit(rated.sensor, rated.typical)
            if seat is None:
                kelvin = 8.0 * base.values if base.form == "around" else np.zeros(self.plant.shape)
                base_typical = REFERENCE_CELSIUS.get(base.place, REFERENCE_CELSIUS["ambient"])
            else:
                base_unit = _temperature_unit(seat.sensor, seat.typical)
                moved = (self.healthy(seat) - seat.typical).ravel()
                kelvin = convert(moved, base_unit, "°C", delta=True).reshape(self.plant.shape)
                base_typical = _celsius(seat.typical, seat.sensor, seat.typical)
            shift = convert(np.asarray(kelvin).ravel(), "°C", unit, delta=True).reshape(self.plant.shape)
            level = float(convert(np.array([base_typical]), "°C", unit)[0])
        else:
            shift, level = np.zeros(self.plant.shape), 0.0
            if seat is not None and seat.sensor.unit == rated.sensor.unit:
                shift, level = self.healthy(seat) - seat.typical, seat.typical
        return np.asarray(rated.typical + shift + (rated.typical - level) * (signal.values - 1))

    def crowding(self, rated: Rated) -> float:
        """Returns how many times too wide the healthy readings are for the sensor's range; <= 1 means they fit."""
        if rated.signal.form == "counter":
            return 0.0
        lower, upper = np.quantile(self.healthy(rated)[self.plant.timeline.used], [0.005, 0.995])
        room_up, room_down = rated.high - rated.typical, rated.typical - rated.low
        worst = 0.0
        for excess, room in ((upper - rated.typical, room_up), (rated.typical - lower, room_down)):
            if room > 0.04 * rated.span:
                worst = max(worst, float(excess) / (room - _MARGIN * rated.span))
        return worst

    def read(self, rated: Rated, rng: np.random.Generator) -> Array:
        """Returns the sensor's readings for the used samples, one array in row order, inside its limits."""
        used = self.plant.timeline.used
        if rated.signal.form == "counter":
            return _resolve(_count(rated, self.plant, rng, self._works), rated)
        value = self.healthy(rated)
        if rated.sensor.role == "setpoint":
            return _resolve(_squeeze(_held(value, self.plant.regime)[used], rated), _dial(rated))
        if rated.signal.symptom is not None:
            limit = rated.low if rated.signal.sinks else rated.high
            value = value + _SYMPTOM_REACH * rated.signal.symptom * (limit - rated.typical)
        value = self._at_rest(_squeeze(value[used], rated), rated)
        scale = abs(rated.typical) if rated.signal.form == "ratio" else 0.5 * rated.span
        noise: float | Array = min(rated.signal.noise * scale, rated.span / 60)
        if self._works is not None and rated.signal.quantity in ZERO_AT_REST:
            noise = np.where(self._works[used], noise, 0.1 * noise)  # what is left is the instrument's own
        calibration = self.plant.per_run(1.0) - 1  # offset and drift of the instrument in this run
        drift = np.broadcast_to(calibration * (0.4 + 0.6 * self.plant.age), self.plant.shape)[used]
        return _resolve(value + noise * (rng.normal(size=len(value)) + 0.5 * drift), rated)

    def _at_rest(self, value: Array, rated: Rated) -> Array:
        """Returns the used samples' values with those of a machine that stands: nothing moves, heat goes."""
        if self._works is None or self._warmth is None:
            return value
        used, signal = self.plant.timeline.used, rated.signal
        if signal.quantity in ZERO_AT_REST and signal.form == "ratio":
            return np.where(self._works[used], value, 0.0)
        if signal.form == "above" and signal.quantity == "temperature":
            surroundings = self._above(replace(rated, signal=replace(signal, values=np.zeros(self.plant.shape))))[used]
            return np.asarray(surroundings + (value - surroundings) * self._warmth[used])
        return value


def _squeeze(value: Array, rated: Rated) -> Array:
    """Returns values pressed, in order, between the limits less a margin, on each side of typical separately."""
    margin = _MARGIN * rated.span
    for limit, beyond in ((rated.high - margin, value.max()), (rated.low + margin, value.min())):
        room, reach = limit - rated.typical, beyond - rated.typical
        if abs(reach) > abs(room) and reach * (limit - (rated.low + rated.high) / 2) > 0:
            side = (value - rated.typical) * reach > 0
            value = np.where(side, rated.typical + (value - rated.typical) * max(room / reach, 0.0), value)
    return np.asarray(value)


def _held(value: Array, regime: Array) -> Array:
    """Returns the mean of each uninterrupted regime in place of its values: what an operator would have set."""
    change = np.ones(value.shape, dtype=bool)
    change[:, 1:] = regime[:, 1:] != regime[:, :-1]
    block = np.cumsum(change.ravel()) - 1
    means = np.bincount(block, weights=value.ravel()) / np.bincount(block)
    return np.asarray(means[block].reshape(value.shape))


def _dial(rated: Rated) -> Rated:
    """Returns the set-point with a dial's resolution of a hundredth of its range where it has none."""
    if rated.sensor.resolution is not None:
        return rated
    return replace(rated, sensor=replace(rated.sensor, resolution=_decimal_step(rated.span * 1e-2)))


def _count(rated: Rated, plant: Plant, rng: np.random.Generator, works: NDArray[np.bool_] | None) -> Array:
    """Returns a counter that only grows within a run, and not at rest, starting at another reading in each run."""
    used = plant.timeline.used
    run = plant.timeline.run[used].astype(int)
    age = plant.timeline.age_s[used]
    elapsed = np.diff(age, prepend=0.0)
    elapsed[np.r_[True, run[1:] != run[:-1]]] = age[np.r_[True, run[1:] != run[:-1]]]
    rate = rated.signal.values[used] if works is None else rated.signal.values[used] * works[used]
    grown = np.cumsum(elapsed * rate)
    first = np.searchsorted(run, np.arange(run.max() + 1))
    grown = grown - (grown[first] - elapsed[first] * rate[first])[run]
    unit = parse_unit(rated.sensor.unit) if rated.sensor.unit else None
    second = parse_unit("s")
    if (
        rated.signal.quantity == "runtime"
        and unit is not None
        and second is not None
        and unit.dimension == second.dimension
    ):
        grown = convert(grown, "s", rated.sensor.unit)
    else:
        grown = grown / max(grown.max(), 1e-9) * 0.5 * rated.span
    grown = grown * min(1.0, 0.9 * rated.span / max(float(grown.max()), 1e-9))
    room = rated.span - float(grown.max())
    start = np.clip(rated.typical - rated.low - 0.5 * float(grown.max()), 0, room)
    offset = rng.uniform(0.5 * start, start, int(run.max()) + 1)
    return np.asarray(rated.low + offset[run] + grown)


def _decimal_step(size: float) -> float:
    return float(10.0 ** np.floor(np.log10(max(size, 1e-12))))


def _resolve(value: Array, rated: Rated) -> Array:
    """Returns values on the sensor's grid and inside its limits; without a stated resolution a decimal one is taken."""
    step = rated.sensor.resolution or _decimal_step(rated.span * 2e-4)
    if step > 0.5 * rated.span:
        return np.clip(value, rated.low, rated.high)
    least, most = np.ceil(rated.low / step - 1e-9), np.floor(rated.high / step + 1e-9)
    decimals = int(max(0, -np.floor(np.log10(step)) + 6))
    return np.clip(np.round(np.clip(np.round(value / step), least, most) * step, decimals), rated.low, rated.high)
