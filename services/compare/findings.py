"""What is wrong with a set, sensor by sensor and in words: the range of real values that the synthetic rows miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.compare.datasets import Codes, Datasets, Floats
from services.compare.metrics.marginal import bin_edges
from services.compare.metrics.samples import Measured

# A range counts as missed with less than half of its real share and a gap of at least half a percent of the rows.
_MISSED = 0.5
_SMALLEST_GAP = 0.005


@dataclass(frozen=True)
class Finding:
    """One column's distances, worst columns first, and a sentence on what the rows miss or add ("" when little)."""

    column: str
    kl: float | None
    wasserstein: float | None
    sentence: str


def find(data: Datasets, measured: Mapping[str, Measured]) -> list[Finding]:
    """Returns a finding for every compared column, sorted by KL divergence, worst first."""
    kl = measured["kl_divergence"].per_column
    kept = measured["constants_kept"].per_column
    distance = measured["wasserstein_distance"].per_column
    findings = []
    for j, column in enumerate(data.numeric):
        sentence = _missed_range(
            column.name, column.unit, data.train.numeric[:, j], data.test.numeric[:, j], data.refined.numeric[:, j]
        )
        share = kept.get(column.name)
        if share is not None and share < 0.995:
            sentence = (
                f"{column.name}: constant in all real rows, yet {100 * (1 - share):.1f} % of synthetic rows differ."
            )
        findings.append(Finding(column.name, kl.get(column.name), distance.get(column.name), sentence))
    for k, column in enumerate(data.states):
        sentence = _missed_states(column.name, column.categories, data.test.states[:, k], data.refined.states[:, k])
        findings.append(Finding(column.name, kl.get(column.name), None, sentence))
    return sorted(findings, key=lambda finding: -_badness(finding, kept))


def _badness(finding: Finding, kept: Mapping[str, float | None]) -> float:
    """Orders findings: by KL divergence, for constants by the share of rows that lost the constant."""
    share = kept.get(finding.column)
    return 1 - share if share is not None else finding.kl or 0.0


def _missed_range(name: str, unit: str, train: Floats, test: Floats, rows: Floats) -> str:
    """Describes the widest run of neighbouring bins with too few synthetic rows, or failing that with too many."""
    test, rows = test[~np.isnan(test)], rows[~np.isnan(rows)]
    inner = bin_edges(train, len(test))
    if len(test) < 50 or not len(rows) or len(inner) < 2:
        return ""
    real = _shares(test, inner)
    mine = _shares(rows, inner)
    low, high = min(test.min(), rows.min()), max(test.max(), rows.max())
    edges = np.r_[low, inner, high]
    for few, many, verb in ((mine, real, "misses"), (real, mine, "overfills")):
        lacking = (few < _MISSED * many) & (many - few > _SMALLEST_GAP)
        start, stop = _longest(lacking, many - few)
        if stop > start:
            unit_text = f" {unit}" if unit else ""
            return (
                f"{name}: refined {verb} {_range(edges[start], edges[stop])}{unit_text}, "
                f"{100 * real[start:stop].sum():.1f} % of real rows and {100 * mine[start:stop].sum():.1f} % of "
                "synthetic ones."
            )
    return ""


def _missed_states(name: str, categories: tuple[str, ...], test: Codes, rows: Codes) -> str:
    size = len(categories)
    real = np.bincount(test[test >= 0], minlength=size) / max(1, int((test >= 0).sum()))
    mine = np.bincount(rows[rows >= 0], minlength=size) / max(1, int((rows >= 0).sum()))
    gap = np.abs(real - mine)
    if not size or gap.max() < 0.02:
        return ""
    worst = int(gap.argmax())
    shares = f"{100 * real[worst]:.1f} % of real rows and {100 * mine[worst]:.1f} % of synthetic ones"
    return f"{name}: state {categories[worst]!r} is {shares}."


def _shares(values: Floats, inner: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1)
    return np.asarray(counts / counts.sum())


def _longest(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], weight: Floats) -> tuple[int, int]:
    """Returns [start, stop) of the run of flags with the largest summed weight; (0, 0) without flags."""
    best, best_weight, start = (0, 0), 0.0, None
    for i, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = i
        elif not flag and start is not None:
            total = float(weight[start:i].sum())
            if total > best_weight:
                best, best_weight = (start, i), total
            start = None
    return best


def _range(low: float, high: float) -> str:
    """Returns both ends with as many digits as it takes to tell them apart by about a hundredth of their distance."""
    largest = max(abs(low), abs(high), 1e-300)
    digits = int(np.clip(np.ceil(np.log10(largest / max(high - low, 1e-12 * largest))) + 2, 4, 12))
    return f"{low:.{digits}g} to {high:.{digits}g}"
