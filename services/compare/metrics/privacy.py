"""Memorisation: are rows suspiciously near to the real rows the model has seen?"""

from __future__ import annotations

import numpy as np

from services.compare.datasets import Codes, Floats, Rows, joined
from services.compare.metrics.samples import UNKNOWN, Measured, Samples, block_ids

MOST_ROWS = 4000
_MOST_REFERENCES = 20_000


def nearer_to_training(samples: Samples) -> Measured:
    """DCR share: share of rows whose closest training row is nearer than their closest hold-out row; ties count half.
    0.5: rows are as near to rows the model has never seen; 1: they are copies.

    The hold-out is the real validation and test rows, against as many training rows, of the same assets. Where the
    split is by run, hold-out rows come from other assets and would raise a false alarm; there a row's distance to its
    closest training row is compared with the distance of that training row to its own nearest neighbour in training
    (Yale et al. 2020, adversarial accuracy). Detail `nearer_than_neighbours`: this second share, in either case.
    """
    return _nearer(samples, samples.rows, samples.train)


def unseen_training_blocks(samples: Samples) -> Measured:
    """The control of the DCR share: training rows of every other block in place of rows, against the other blocks.

    They are fresh to what they are compared with, so a share above 0.5 says that the hold-out itself is unlike
    training (another season, other products), not that anything was memorised.
    """
    block = block_ids(samples.train.runs)
    unseen = np.random.default_rng([samples.seed, 9]).permutation(int(block[-1]) + 1) % 2 == 0
    mine, others = np.flatnonzero(unseen[block]), np.flatnonzero(~unseen[block])
    return _nearer(samples, samples.train.take(mine), samples.train.take(others))


def _nearer(samples: Samples, candidates: Rows, training: Rows) -> Measured:
    rows = samples.scaled(candidates.take(samples.pick(len(candidates), MOST_ROWS, stream=2)))
    held_out = joined(samples.data.validation, samples.test)
    if min(len(rows), len(training), len(held_out)) < 20:
        return UNKNOWN
    train = samples.scaled(training.take(samples.pick(len(training), _MOST_REFERENCES, stream=6)))
    to_train, which = _nearest(rows, train)
    # Only the neighbours that were hit are asked for theirs; a large table has many more rows than that.
    hit, where = np.unique(which, return_inverse=True)
    own, _ = _nearest(train[hit], train, skip=hit)
    among_neighbours = _share_nearer(to_train, own[where])
    if samples.data.same_assets:
        size = min(len(training), len(held_out), _MOST_REFERENCES)
        equal_train = samples.scaled(training.take(samples.pick(len(training), size, stream=6)))
        equal_held_out = samples.scaled(held_out.take(samples.pick(len(held_out), size, stream=8)))
        nearer = _share_nearer(_nearest(rows, equal_train)[0], _nearest(rows, equal_held_out)[0])
    else:
        nearer = among_neighbours
    rng = np.random.default_rng([samples.seed, 7])
    weights = rng.multinomial(len(nearer), np.full(len(nearer), 1 / len(nearer)), size=samples.resamples)
    return Measured(
        value=float(nearer.mean()),
        draws=weights @ nearer / len(nearer),
        details={
            "nearer_than_neighbours": float(among_neighbours.mean()),
            "median_distance": float(np.median(to_train)),
        },
        floor=0.5,
    )


def _share_nearer(distance: Floats, other: Floats) -> Floats:
    """Returns 1 where a distance is smaller than the other, 0 where larger, 0.5 on a tie."""
    tie = np.isclose(distance, other, rtol=1e-5, atol=1e-6)
    return np.where(tie, 0.5, (distance < other).astype(np.float64))


def exact_copies(samples: Samples) -> Measured:
    """Share of rows that equal a training row in every compared column, to nine digits. Details: `rows`, the number.

    A machine at low resolution repeats itself: the share of real test rows that equal a training row is the control.
    """
    known = _fingerprints(samples.train)
    found = np.isin(_fingerprints(samples.rows), known)
    shares = samples.weights @ found / np.maximum(samples.weights.sum(axis=1), 1e-12)
    return Measured(float(shares[0]), shares[1:], details={"rows": float(found.sum())}, floor=0.0)


def _fingerprints(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    """Returns one opaque value a row, equal where the rows are; rounding hides what a text file would."""
    magnitude = 10.0 ** np.floor(np.log10(np.maximum(np.abs(np.nan_to_num(rows.numeric)), 1e-300)))
    rounded = np.round(rows.numeric / magnitude, 8) * magnitude
    rounded = np.where(np.isnan(rounded), np.inf, rounded) + 0.0  # one kind of missing, one kind of zero
    whole = np.ascontiguousarray(np.hstack([rounded, rows.states.astype(np.float64)]))
    return whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()


def _nearest(points: Floats, others: Floats, *, skip: Codes | None = None) -> tuple[Floats, Codes]:
    """Returns the distance of each point to the nearest of others and which one it is, in bounded memory.

    `skip` names for each point the one of the others that is the point itself.
    """
    distance = np.empty(len(points))
    which = np.empty(len(points), dtype=np.int64)
    a, b = points.astype(np.float32), others.astype(np.float32)
    square = (b * b).sum(axis=1)
    for start in range(0, len(a), 512):
        part = a[start : start + 512]
        gaps = square[None, :] - 2 * part @ b.T
        if skip is not None:
            gaps[np.arange(len(part)), skip[start : start + 512]] = np.inf
        nearest = gaps.argmin(axis=1)
        which[start : start + 512] = nearest
        # The expanded square loses small distances to rounding; the winner is measured again, exactly.
        distance[start : start + 512] = np.sqrt(((points[start : start + 512] - others[nearest]) ** 2).sum(axis=1))
    return distance, which
