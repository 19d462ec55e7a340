"""The shapes behind the figures: one column's histogram in every set, and how columns move together in every set.

Promises: comparison.json and the drawn figures show these same numbers. Bins are shared by all sets of a column, at
most 40; matrices name at most 50 columns, the worst ones where there are more. Nothing is decided on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.compare.comparison import Comparison
from services.compare.datasets import Codes, Floats
from services.compare.metrics.correlation import pearson
from services.compare.metrics.samples import varying

BINS = 40
MOST_HISTOGRAMS = 200
MOST_CORRELATED = 50
_FEW_VALUES = 20
# The sets whose shapes are kept, by the name they have in comparison.json.
SETS = ("real", "seed", "refined")


@dataclass(frozen=True)
class Histogram:
    """A numeric column's rows by value: `edges` (bins + 1,) in the column's unit, `shares` (bins,) of a set's rows that
    have a value, 0 to 1. What lies beyond the outer edges is in no bin, so shares may sum to less than 1."""

    edges: Floats
    shares: Mapping[str, Floats]


@dataclass(frozen=True)
class Correlations:
    """Pearson correlations (d, d) of the numeric columns that vary in the real test rows, by set; NaN where a set has
    none. `columns` are their indices among the numeric columns."""

    columns: tuple[int, ...]
    matrices: Mapping[str, Floats]


def histogram(result: Comparison, j: int) -> Histogram:
    """Returns the histogram of numeric column j: 40 bins over the central 99.8 % of real test and refined values, or
    one bin a value where the real rows have 20 values or fewer. A seed without a value is left out."""
    every = {name: _seen(rows[:, j]) for name, rows in _numeric(result).items()}
    values = {name: x for name, x in every.items() if len(x) or name != "seed"}
    edges = _edges(values["real"], values["refined"])
    return Histogram(edges, {name: np.histogram(x, edges)[0] / max(1, len(x)) for name, x in values.items()})


def state_shares(result: Comparison, k: int) -> dict[str, Floats]:
    """Returns the share of rows in each category of state column k, by set."""
    size = len(result.data.states[k].categories)
    return {name: _shares(codes[:, k], size) for name, codes in _states(result).items()}


def correlations(result: Comparison) -> Correlations:
    """Returns the correlation matrices of the real test rows and of every synthetic set."""
    use = np.flatnonzero(varying(result.data.test.numeric))
    return Correlations(
        tuple(int(j) for j in use), {name: pearson(rows[:, use]) for name, rows in _numeric(result).items()}
    )


def histograms_json(result: Comparison) -> dict[str, Any]:
    """Returns the histograms of comparison.json by column, the worst 200 columns where there are more. A set that does
    not exist is null."""
    numeric = {column.name: j for j, column in enumerate(result.data.numeric)}
    states = {column.name: k for k, column in enumerate(result.data.states)}
    kept = {finding.column for finding in result.findings[:MOST_HISTOGRAMS]}
    found: dict[str, Any] = {}
    for name in result.data.names:
        if name not in kept:
            continue
        if name in numeric:
            shape = histogram(result, numeric[name])
            shares = {key: part.round(6).tolist() for key, part in shape.shares.items()}
            found[name] = {"edges": shape.edges.tolist(), **dict.fromkeys(SETS), **shares}
        else:
            categories = result.data.states[states[name]].categories
            found[name] = dict.fromkeys(SETS) | _largest_states(categories, state_shares(result, states[name]))
    return found


def correlations_json(result: Comparison) -> dict[str, Any] | None:
    """Returns the matrices of comparison.json in profile order, of the 50 columns with the largest error where there
    are more; None with fewer than two columns that vary. A set that does not exist is null, as is a correlation."""
    found = correlations(result)
    if len(found.columns) < 2:
        return None
    error = result.sets["refined"].measured["correlation_error"].per_column
    names = [result.data.numeric[j].name for j in found.columns]
    worst = sorted(range(len(names)), key=lambda i: -(error.get(names[i]) or 0.0))[:MOST_CORRELATED]
    use = np.sort(np.array(worst, dtype=np.int64))
    matrices = {
        name: [[None if np.isnan(r) else round(float(r), 4) for r in line] for line in matrix[np.ix_(use, use)]]
        for name, matrix in found.matrices.items()
    }
    return {
        "sensors": [names[i] for i in use],
        "left_out": len(names) - len(use),
        **dict.fromkeys(SETS),
        **matrices,
    }


def _numeric(result: Comparison) -> dict[str, Floats]:
    seed = {"seed": result.seed.rows.numeric} if result.seed else {}
    return {"real": result.data.test.numeric, **seed, "refined": result.sets["refined"].rows.numeric}


def _states(result: Comparison) -> dict[str, Codes]:
    seed = {"seed": result.seed.rows.states} if result.seed else {}
    return {"real": result.data.test.states, **seed, "refined": result.sets["refined"].rows.states}


def _largest_states(categories: tuple[str, ...], shares: Mapping[str, Floats]) -> dict[str, Any]:
    """Returns at most 40 categories with their shares; those that occur least are summed up as "other"."""
    largest = np.max(np.stack(list(shares.values())), axis=0) if categories else np.empty(0)
    kept = np.arange(len(categories))
    if len(categories) > BINS:
        kept = np.sort(np.argsort(-largest, kind="stable")[: BINS - 1])
    rest = np.setdiff1d(np.arange(len(categories)), kept)
    lumped = ["other"] if len(rest) else []
    listed = {
        name: [*part[kept].round(6).tolist(), *([round(float(part[rest].sum()), 6)] if len(rest) else [])]
        for name, part in shares.items()
    }
    return {"categories": [*(categories[i] for i in kept), *lumped], **listed}


def _edges(real: Floats, refined: Floats) -> Floats:
    both = np.concatenate([real, refined])
    values = np.unique(real)
    if 2 <= len(values) <= _FEW_VALUES:
        gap = np.diff(values)
        middle = (values[1:] + values[:-1]) / 2
        return np.asarray(np.r_[values[0] - gap[0] / 2, middle, values[-1] + gap[-1] / 2])
    low, high = np.quantile(both, [0.001, 0.999]) if len(both) else (0.0, 1.0)
    if high - low <= 1e-9 * max(1.0, abs(low)):
        low, high = low - max(0.5, abs(low) * 0.01), high + max(0.5, abs(high) * 0.01)
    return np.linspace(low, high, BINS + 1)


def _shares(codes: Codes, size: int) -> Floats:
    counts = np.bincount(codes[codes >= 0], minlength=size)
    return np.asarray(counts / max(1, int(counts.sum())))


def _seen(values: Floats) -> Floats:
    return values[~np.isnan(values)]
