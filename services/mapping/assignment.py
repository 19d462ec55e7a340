"""Assignment: which column goes to which sensor, one to one, or to none.

It promises that no sensor is given twice, that a column is left alone rather than given to a poor match, and that a
pair is only called certain when it is both good and clearly better than every rival on either side. Where more is known
of the pairs than their scores, `certainty` decides on the tier instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Tier = Literal["auto", "review", "none"]

# Measured on public names never read before: above these 5 of 1,000 proposals were wrong. Below ABSTAIN is no proposal.
AUTO_SCORE = 0.70
AUTO_MARGIN = 0.06
ABSTAIN = 0.45
_BEST_FIRST = 3.0  # power of the scores whose sum is the highest
_TOSS_UP = 0.01  # scores nearer than this say nothing about which is right


@dataclass(frozen=True)
class Choice:
    """The sensor (index) of one column or None, its tier, its score and how far it is ahead of its best rival."""

    sensor: int | None
    tier: Tier
    score: float
    margin: float


def assign(scores: npt.NDArray[np.float64], abstain: float = ABSTAIN) -> list[Choice]:
    """Returns one choice a column: the one-to-one assignment of highest total above `abstain`, in which a good pair is
    worth more than two fair ones: a column with the sensor's very name is not swapped away.

    `scores` has one row a column and one column a sensor, values 0 to 1.
    """
    columns, sensors = scores.shape
    if not columns:
        return []
    if not sensors:
        return [Choice(None, "none", 0.0, 0.0)] * columns
    gain = np.zeros((columns, sensors + columns))
    gain[:, :sensors] = np.where(scores >= abstain, scores**_BEST_FIRST - abstain**_BEST_FIRST + 1e-6, -1.0)
    rows, chosen = linear_sum_assignment(-gain)
    picked = dict(zip(rows.tolist(), chosen.tolist(), strict=True))
    result: list[Choice] = []
    for i in range(columns):
        j = picked[i]
        if j >= sensors or scores[i, j] < abstain:
            result.append(Choice(None, "none", float(scores[i].max()), 0.0))
            continue
        value = float(scores[i, j])
        if _is_a_toss_up(scores, picked, i, j):
            result.append(Choice(None, "none", value, 0.0))
            continue
        others = [np.delete(scores[i], j), np.delete(scores[:, j], i)]
        rival = max((float(other.max()) for other in others if other.size), default=0.0)
        certain = value >= AUTO_SCORE and value - rival >= AUTO_MARGIN
        result.append(Choice(j, "auto" if certain else "review", value, value - rival))
    return result


def _is_a_toss_up(scores: npt.NDArray[np.float64], picked: dict[int, int], i: int, j: int) -> bool:
    """Returns whether the column would suit another sensor as well, and what has that sensor would suit this one."""
    sensors = scores.shape[1]
    owner = {sensor: column for column, sensor in picked.items() if sensor < sensors}
    for rival in range(sensors):
        if rival == j or scores[i, rival] < scores[i, j] - _TOSS_UP:
            continue
        other = owner.get(rival)
        if other is None or other == i or scores[other, j] >= scores[other, rival] - _TOSS_UP:
            return True
    return False
