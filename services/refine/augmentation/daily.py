"""The hour of the day where no clock was recorded: read off the daily swing of the sensors themselves.

Rows at a known pace without time stamps hide their hour, and pauses that nobody noted shift it. What swings with a
period of a day gives it away: each column is demodulated at that period (its slowly changing complex amplitude), the
columns are combined by their common phase, and that phase is the hour, up to a constant. Returned only where a day's
period stands out from the periods beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Array = NDArray[np.float64]

LEAST_SAMPLES, MOST_SAMPLES = 6.0, 1500.0  # of a day
FEWEST_DAYS = 10.0  # of all runs together
MEMORY_DAYS = 0.8  # standard deviation of the window in which the phase is taken as constant
STANDS_OUT = 1.8  # power at a day over the power at periods beside it (noise: 1 at most; gas turbine, hourly: 2)
_BESIDE = (0.7, 1.37)


def hours_from_swing(runs: Sequence[NDArray[np.floating]], day: float) -> list[Array] | None:
    """Returns the hour (T,) of each run's rows (T, C), `day` samples a day; None where no swing tells it."""
    if not LEAST_SAMPLES <= day <= MOST_SAMPLES or sum(len(run) for run in runs) < FEWEST_DAYS * day:
        return None
    swings = [_demodulated(run, day) for run in runs]
    power = _power(swings)
    if power < STANDS_OUT * max(_power([_demodulated(run, day * share) for run in runs]) for share in _BESIDE):
        return None
    pooled = np.concatenate(swings)
    _, vectors = np.linalg.eigh(pooled.conj().T @ pooled)  # the last: phases of the columns that most have in common
    return [((np.arange(len(swing)) + _samples(swing @ vectors[:, -1], day)) * 24 / day) % 24 for swing in swings]


def _demodulated(run: NDArray[np.floating], period: float) -> NDArray[np.complex128]:
    """Returns the complex amplitude (T, C) of the columns' swing with a period."""
    level = gaussian_filter1d(run.astype(np.float64), period, axis=0, mode="nearest")
    turned = (run - level) * np.exp(-2j * np.pi * np.arange(len(run)) / period)[:, None]
    width = MEMORY_DAYS * period
    smoothed = [gaussian_filter1d(part, width, axis=0, mode="nearest") for part in (turned.real, turned.imag)]
    return np.asarray(smoothed[0] + 1j * smoothed[1])


def _power(swings: Sequence[NDArray[np.complex128]]) -> float:
    return float(np.mean(np.abs(np.concatenate(swings)) ** 2))


def _samples(amplitude: NDArray[np.complex128], day: float) -> Array:
    """Returns by how many samples the swing is ahead of the row number."""
    return np.asarray(np.angle(amplitude) * day / (2 * np.pi))
