"""The laws that all archetypes share, as plain functions on arrays.

Rows of a matrix are stretches of time, columns are equally spaced samples. All quantities are per unit of the
nominal operating point (1 = nameplate) unless a unit is named. Equations and sources: docs/physics.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Array = NDArray[np.float64]


def first_order_lag(x: Array, time_constant_s: float, dt_s: float) -> Array:
    """Returns the response of T' = (x - T)/tau to x, same shape, each row starting in equilibrium with its start.

    Exact for an input held constant between samples: T[k] = a T[k-1] + (1-a) x[k], a = exp(-dt/tau).
    """
    a = float(np.exp(-dt_s / time_constant_s))
    start = x[:, : max(1, x.shape[1] // 8)].mean(axis=1, keepdims=True)
    lagged, _ = lfilter([1 - a], [1, -a], x, axis=1, zi=a * start)
    return np.asarray(lagged)


def wandering(rng: np.random.Generator, shape: tuple[int, int], time_constant_s: float, dt_s: float) -> Array:
    """Returns stationary Ornstein-Uhlenbeck noise of unit variance, exactly discretised, one process a row."""
    a = float(np.exp(-dt_s / time_constant_s))
    kicks = rng.normal(size=shape) * np.sqrt(1 - a * a)
    start = rng.normal(size=(shape[0], 1))
    return np.asarray(lfilter([1.0], [1, -a], kicks, axis=1, zi=a * start)[0])


def steps(rng: np.random.Generator, shape: tuple[int, int], dwell: float, levels: Array, weights: Array) -> Array:
    """Returns levels held for geometric dwell times (mean `dwell` samples), drawn with `weights`."""
    rows, columns = shape
    switch = rng.random(shape) < 1 / max(dwell, 1.0)
    switch[:, 0] = True
    drawn = rng.choice(levels, size=shape, p=weights / weights.sum())
    held = np.maximum.accumulate(np.where(switch, np.arange(columns)[None, :], 0), axis=1)
    return np.asarray(np.take_along_axis(drawn, held, axis=1)).reshape(rows, columns)


def power_factor(torque: Array) -> Array:
    """Returns an induction motor's power factor over its rated one: low when idle, 1 at rated torque."""
    return np.asarray((0.2 + 0.8 * (1 - np.exp(-2.4 * np.maximum(torque, 0)))) / (0.2 + 0.8 * (1 - np.exp(-2.4))))


def motor_power(shaft_power: Array, torque: Array, fixed_loss: float = 0.035, copper_loss: float = 0.045) -> Array:
    """Returns electrical input over rated input: shaft power + fixed losses + losses that grow with torque squared."""
    return np.asarray((shaft_power + fixed_loss + copper_loss * torque**2) / (1 + fixed_loss + copper_loss))


def induction_speed(torque: Array, frequency: Array, voltage: Array, rated_slip: float = 0.025) -> Array:
    """Returns speed over rated speed; slip is proportional to torque / voltage squared."""
    slip = rated_slip * torque / voltage**2
    return np.asarray(frequency * (1 - slip) / (1 - rated_slip))


def pump_head(speed: Array, flow: Array, shut_off: float = 1.25) -> Array:
    """Returns head over rated head by the affinity laws: H = H0 n^2 - (H0 - 1) Q^2."""
    return np.asarray(shut_off * speed**2 - (shut_off - 1) * flow**2)


def hydraulic_efficiency(flow: Array, speed: Array) -> Array:
    """Returns efficiency over its best: a parabola in Q/n with its top at the rated point, never below .2."""
    ratio = flow / np.maximum(speed, 0.1)
    return np.asarray(np.maximum(1 - 0.75 * (ratio - 1) ** 2, 0.2))


def compression_rise(pressure_ratio: Array, efficiency: Array, kappa: float = 1.4) -> Array:
    """Returns the relative temperature rise of adiabatic compression, (r^((k-1)/k) - 1) / efficiency."""
    return np.asarray((np.maximum(pressure_ratio, 1.0) ** ((kappa - 1) / kappa) - 1) / efficiency)


def saturation_pressure(celsius_above_nominal: Array) -> Array:
    """Returns a refrigerant's saturation pressure over nominal, about 3 % a kelvin (Clausius-Clapeyron, R134a)."""
    return np.asarray(np.exp(0.030 * celsius_above_nominal))
