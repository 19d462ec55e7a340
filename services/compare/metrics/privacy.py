"""Memorisation: are rows suspiciously near to the real rows the model has seen?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.compare.datasets import Codes, Floats, Rows, joined
from services.compare.metrics.samples import UNKNOWN, Measured, Samples, block_ids

MOST_ROWS = 4000
_MOST_REFERENCES = 20_000
_FEWEST_ROWS = 20


def nearer_to_training(samples: Samples) -> Measured:
    """DCR share. 0.5: rows are as near to training as real rows that training has not seen; 1: they are copies.

    Where the split is by time, it is the share of rows whose closest training row is nearer than their closest hold-out
    row, ties count half. The hold-out is the real validation and test rows, against as many training rows, of the same
    assets. Where the split is by run, a hold-out of the same assets does not exist, and other assets would raise a
    false alarm; there it is the chance that a row is nearer to its closest training row than a training row is to its
    closest one outside its own stretch of time (a tenth of its run): those are real rows of the same assets, as fresh
    to each other as one run allows.

    Detail `nearer_than_neighbours`, in either case: the share of rows nearer to a training row than that row's own
    nearest neighbour in training, also in time (Yale et al. 2020, adversarial accuracy). Only copies are above 0.5.
    """
    return _nearer(samples, samples.rows, samples.train)


def unseen_real_rows(samples: Samples) -> Measured:
    """The control of the DCR share: real rows that are fresh to what they are compared with, in place of rows.

    Where the split is by time, training rows of every other block against the other blocks; where it is by run, the
    rows of held-out runs. A share above 0.5 says that training and hold-out differ (another season, other products),
    not that anything was memorised.
    """
    if not samples.data.same_assets:
        return _nearer(samples, joined(samples.data.validation, samples.test), samples.train)
    block = block_ids(samples.train.runs)
    unseen = np.random.default_rng([samples.seed, 9]).permutation(int(block[-1]) + 1) % 2 == 0
    mine, others = np.flatnonzero(unseen[block]), np.flatnonzero(~unseen[block])
    return _nearer(samples, samples.train.take(mine), samples.train.take(others))


def _nearer(samples: Samples, candidates: Rows, training: Rows) -> Measured:
    rows = samples.scaled(candidates.take(samples.pick(len(candidates), MOST_ROWS, stream=2)))
    held_out = joined(samples.data.validation, samples.test)
    if min(len(rows), len(training), len(held_out)) < _FEWEST_ROWS:
        return UNKNOWN
    references = training.take(samples.pick(len(training), _MOST_REFERENCES, stream=6))
    train = samples.scaled(references)
    to_train, which = _nearest(rows, train)
    # Only the neighbours that were hit are asked for theirs; a large table has many more rows than that.
    hit, where = np.unique(which, return_inverse=True)
    own, _ = _nearest(train[hit], train, groups=(hit, np.arange(len(train))))
    among_neighbours = _share_nearer(to_train, own[where])
    if samples.data.same_assets:
        size = min(len(training), len(held_out), _MOST_REFERENCES)
        equal_train = samples.scaled(training.take(samples.pick(len(training), size, stream=6)))
        equal_held_out = samples.scaled(held_out.take(samples.pick(len(held_out), size, stream=8)))
        nearer = _share_nearer(_nearest(rows, equal_train)[0], _nearest(rows, equal_held_out)[0])
    else:
        stretch = block_ids(references.runs, most=max(1, int(_run_length(references.runs) / 10)))
        fresh = samples.pick(len(train), MOST_ROWS, stream=9)
        usual, _ = _nearest(train[fresh], train, groups=(stretch[fresh], stretch))
        nearer = _rank(to_train, usual)
    rng = np.random.default_rng([samples.seed, 7])
    weights = rng.multinomial(len(nearer), np.full(len(nearer), 1 / len(nearer)), size=samples.resamples)
    return Measured(
        value=float(nearer.mean()),
        draws=weights @ nearer / len(nearer),
        details={
            "by_run": float(not samples.data.same_assets),
            "nearer_than_neighbours": float(among_neighbours.mean()),
            "median_distance": float(np.median(to_train)),
        },
        floor=0.5,
    )


def _run_length(runs: Codes) -> float:
    return float(np.median(np.unique(runs, return_counts=True)[1]))


def _rank(distance: Floats, usual: Floats) -> Floats:
    """Returns for each distance the share of the usual ones that are larger; equal ones count half."""
    known = np.sort(usual[np.isfinite(usual)])
    slack = 1e-5 * distance + 1e-6
    below, up_to = np.searchsorted(known, distance - slack), np.searchsorted(known, distance + slack, side="right")
    return np.asarray(1 - (below + up_to) / 2 / max(1, len(known)))


def _share_nearer(distance: Floats, other: Floats) -> Floats:
    """Returns 1 where a distance is smaller than the other, 0 where larger, 0.5 on a tie."""
    tie = np.isclose(distance, other, rtol=1e-5, atol=1e-6)
    return np.where(tie, 0.5, (distance < other).astype(np.float64))


def exact_copies(samples: Samples) -> Measured:
    """Share of rows that equal a training row in every compared column, to nine digits. Details: `rows`, the number,
    and `mostly_missing`, the number of equal rows that are not counted because they hold next to nothing.

    A machine at low resolution repeats itself: the share of real test rows that equal a training row is the control.
    """
    equal = np.isin(_fingerprints(samples.rows), _fingerprints(samples.train))
    found = equal & _informative(samples, samples.rows)
    shares = samples.weights @ found / np.maximum(samples.weights.sum(axis=1), 1e-12)
    details = {"rows": float(found.sum()), "mostly_missing": float((equal & ~found).sum())}
    return Measured(float(shares[0]), shares[1:], details=details, floor=0.0)


def _informative(samples: Samples, rows: Rows) -> npt.NDArray[np.bool_]:
    """Returns which rows say enough to be a copy of something: at least half as many values, of the columns that vary,
    as the median training row has. Rows of a sensor outage equal each other by being empty."""

    def values(part: Rows) -> npt.NDArray[np.int64]:
        present = ~np.isnan(part.numeric[:, samples.varying])
        return np.asarray(present.sum(axis=1) + (part.states >= 0).sum(axis=1))

    return np.asarray(values(rows) >= max(1.0, float(np.median(values(samples.train))) / 2))


def _fingerprints(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    """Returns one opaque value a row, equal where the rows are; rounding hides what a text file would."""
    magnitude = 10.0 ** np.floor(np.log10(np.maximum(np.abs(np.nan_to_num(rows.numeric)), 1e-300)))
    rounded = np.round(rows.numeric / magnitude, 8) * magnitude
    rounded = np.where(np.isnan(rounded), np.inf, rounded) + 0.0  # one kind of missing, one kind of zero
    whole = np.ascontiguousarray(np.hstack([rounded, rows.states.astype(np.float64)]))
    return whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()


def seen_test_rows(samples: Samples) -> Measured:
    """Leakage: share of real test rows that equal one of the rows in every compared column; rows that are mostly
    missing equal nothing, as for copies. For the control, training rows, it says how much of the hold-out training has
    seen. Detail `by_chance`: the share of training rows that occur again elsewhere in training, in another block of
    time: a machine at low resolution repeats itself."""
    test, train = _fingerprints(samples.test), _fingerprints(samples.train)
    found = np.isin(test, _fingerprints(samples.rows)) & _informative(samples, samples.test)
    shares = samples.test_weights @ found / np.maximum(samples.test_weights.sum(axis=1), 1e-12)
    _, which = np.unique(train, return_inverse=True)
    pairs = np.unique(np.column_stack([which, block_ids(samples.train.runs)]), axis=0)
    blocks = np.bincount(pairs[:, 0])
    chance = float(((blocks[which] > 1) & _informative(samples, samples.train)).mean())
    return Measured(
        float(shares[0]), shares[1:], details={"rows": float(found.sum()), "by_chance": chance}, floor=chance
    )


def _nearest(points: Floats, others: Floats, *, groups: tuple[Codes, Codes] | None = None) -> tuple[Floats, Codes]:
    """Returns the distance of each point to the nearest of others and which one it is, in bounded memory.

    `groups` numbers the points and the others; others of a point's own group are passed over. The distance is inf where
    all others are.
    """
    distance = np.empty(len(points))
    which = np.empty(len(points), dtype=np.int64)
    a, b = points.astype(np.float32), others.astype(np.float32)
    square = (b * b).sum(axis=1)
    for start in range(0, len(a), 512):
        part = a[start : start + 512]
        gaps = square[None, :] - 2 * part @ b.T
        if groups is not None:
            gaps[groups[0][start : start + 512][:, None] == groups[1][None, :]] = np.inf
        nearest = gaps.argmin(axis=1)
        which[start : start + 512] = nearest
        # The expanded square loses small distances to rounding; the winner is measured again, exactly.
        exact = np.sqrt(((points[start : start + 512] - others[nearest]) ** 2).sum(axis=1))
        distance[start : start + 512] = np.where(np.isfinite(gaps[np.arange(len(part)), nearest]), exact, np.inf)
    return distance, which
