"""How long each latent direction remembers, and noise that remembers as long.

Latent runs are N(0, I) row by row, so a rotation keeps the rows' distribution; the rotation that diagonalises the
symmetrised lagged covariance (tICA: Molgedey & Schuster 1994) puts the memory into few directions. Each direction's
autocorrelation is then written as a mixture, with weights that sum to 1, of kernels whose noise is easy to draw: white,
constant, AR(1), Gaussian (RBF) and decaying oscillation. Drawn noise has unit variance in every row, so a decoder sees
what it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.signal import fftconvolve, lfilter

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
KernelKind = Literal["white", "constant", "ar1", "rbf", "oscillation"]

MOST_LAGS = 60
DRAWN_TOGETHER = 16  # runs
RUNS_TO_BALANCE = 2.0  # times as many runs as latent directions: fewer are no average
_ROTATION_LAGS = (1, 2, 3, 5, 8)
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Kernel:
    """An autocorrelation over lags in samples. `scale`: coefficient (ar1), width (rbf), period (oscillation).

    With `above` the noise is what a Gaussian filter of that width takes away from the kernel's: a residual.
    """

    kind: KernelKind
    scale: float = 0.0
    decay: float = 1.0
    above: float = 0.0

    def autocorrelation(self, lags: int) -> Array:
        """Returns the kernel at lags 0 .. lags."""
        if not self.above:
            return self._whole(lags)
        passed = self._passed(lags)
        return np.asarray(passed / passed[0])

    def _passed(self, lags: int) -> Array:
        """Returns the autocovariance of what the filter takes away, at lags 0 .. lags."""
        window = _residual_filter(self.above)
        twice = np.convolve(window, window[::-1])
        whole = self._whole(lags + len(window) - 1)
        return np.convolve(np.concatenate([whole[:0:-1], whole]), twice, mode="valid")[lags:]

    def _whole(self, lags: int) -> Array:
        t = np.arange(lags + 1, dtype=float)
        if self.kind == "white":
            return np.asarray(t == 0, dtype=np.float64)
        if self.kind == "constant":
            return np.ones(lags + 1)
        if self.kind == "ar1":
            return np.asarray(self.scale**t)
        if self.kind == "rbf":
            return np.asarray(np.exp(-0.5 * (t / self.scale) ** 2))
        return np.asarray(np.cos(2 * np.pi * t / self.scale) * self.decay**t)

    def draw(self, runs: int, length: int, dimensions: int, rng: np.random.Generator) -> Array:
        """Returns unit-variance noise (runs, length, dimensions) with this autocorrelation along the second axis."""
        if not self.above:
            return self._drawn(runs, length, dimensions, rng)
        window = _residual_filter(self.above)
        drawn = self._drawn(runs, length + len(window) - 1, dimensions, rng)
        return np.asarray(fftconvolve(drawn, window[None, :, None], mode="valid", axes=1) / np.sqrt(self._passed(0)[0]))

    def _drawn(self, runs: int, length: int, dimensions: int, rng: np.random.Generator) -> Array:
        if self.kind == "white":
            return rng.standard_normal((runs, length, dimensions))
        if self.kind == "constant":
            return np.broadcast_to(rng.standard_normal((runs, 1, dimensions)), (runs, length, dimensions)).copy()
        if self.kind == "ar1":
            return _ar1(self.scale, runs, length, dimensions, rng)
        if self.kind == "rbf":  # white noise through a Gaussian of width scale / sqrt 2
            reach = int(3 * self.scale) + 1
            window = np.exp(-((np.arange(-reach, reach + 1) / self.scale) ** 2))
            window /= np.sqrt((window**2).sum())
            white = rng.standard_normal((runs, length + 2 * reach, dimensions))
            return np.asarray(fftconvolve(white, window[None, :, None], mode="valid", axes=1))
        angle = 2 * np.pi * np.arange(length) / self.scale
        amplitude = _ar1(self.decay, runs, length, 2 * dimensions, rng)
        cosine, sine = amplitude[:, :, :dimensions], amplitude[:, :, dimensions:]
        return np.asarray(np.cos(angle)[None, :, None] * cosine + np.sin(angle)[None, :, None] * sine)


def _residual_filter(width: float) -> Array:
    """Returns the filter that leaves what a Gaussian of that width in samples smooths away, (2 reach + 1,)."""
    reach = int(4 * width + 0.5)
    window = -np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    window /= -window.sum()
    window[reach] += 1
    return np.asarray(window)


def kernels(longest_run: int, periods: Sequence[float] = (), above: float = 0.0) -> tuple[Kernel, ...]:
    """Returns the dictionary of kernels for runs of that length; `periods` (samples) add oscillations, and `above` the
    width of the filter whose residuals are remembered, kernels that swing back as residuals do."""
    widths = [w for w in (1.5, 3, 6, 12, 25, 50, 75, 100, 150, 220, 330) if w <= max(3, longest_run)]
    found = [Kernel("white"), Kernel("constant")]
    found += [Kernel("ar1", c) for c in (0.3, 0.5, 0.7, 0.8, 0.88, 0.93, 0.96, 0.98, 0.99, 0.995, 0.998)]
    found += [Kernel("rbf", w) for w in widths]
    found += [Kernel("oscillation", p, d) for p in periods for d in (0.9, 0.97, 0.995, 1.0)]
    if above:
        found += [Kernel("white", above=above)]
        found += [Kernel("ar1", c, above=above) for c in (0.3, 0.5, 0.7, 0.8, 0.88, 0.93, 0.96, 0.98)]
        found += [Kernel("rbf", w, above=above) for w in widths if w <= 2 * above]
    return tuple(found)


@dataclass(frozen=True)
class Memory:
    """A fitted memory of D latent directions: latent = mean + noise @ mixing, noise drawn by kernel weights (D, K)."""

    kernels: tuple[Kernel, ...]
    weights: Array
    mixing: Array
    mean: Array

    def draw(self, runs: int, length: int, rng: np.random.Generator) -> Floats:
        """Returns latent runs (runs, length, D)."""
        return self.mixed(self._directions(runs, length, rng))

    def draw_runs(self, lengths: Sequence[int], rng: np.random.Generator) -> Floats:
        """Returns the latents (rows, D) of runs of these lengths in a row."""
        return self.mixed(self.draw_directions(lengths, rng))

    def draw_directions(self, lengths: Sequence[int], rng: np.random.Generator) -> Floats:
        """Returns unit noise (rows, D) of runs of these lengths in a row, before it is mixed; like lengths are drawn
        together."""
        drawn: dict[int, Floats] = {}
        order = np.argsort(lengths, kind="stable")
        for group in np.array_split(order, max(1, len(order) // DRAWN_TOGETHER)):
            longest = max(int(lengths[i]) for i in group)
            block = self._directions(len(group), longest, rng)
            drawn |= {int(run): block[place, : int(lengths[run])] for place, run in enumerate(group)}
        return np.concatenate([drawn[run] for run in range(len(lengths))])

    def _directions(self, runs: int, length: int, rng: np.random.Generator) -> Floats:
        dimensions = len(self.weights)
        noise = np.zeros((runs, length, dimensions), np.float32)
        for k, kernel in enumerate(self.kernels):
            active = self.weights[:, k] > _LEAST_WEIGHT
            if active.any():
                drawn = kernel.draw(runs, length, int(active.sum()), rng)
                noise[:, :, active] += np.sqrt(self.weights[active, k]) * drawn
        return noise

    def mixed(self, noise: Floats) -> Floats:
        """Returns the latents (..., D) of noise in the directions."""
        return np.asarray(noise @ self.mixing + self.mean, np.float32)

    def directions(self, latent: Floats) -> Floats:
        """Returns latents (T, D) along the directions: what `mixed` makes latents of."""
        return np.asarray(np.linalg.solve(self.mixing.T, (latent - self.mean).T).T, np.float32)

    def remembering(self, directions: Sequence[Sequence[Floats]]) -> Memory:
        """Returns a memory along the same directions that is fitted to runs (T,) of each direction, (D, runs)."""
        fitted = [_weights([run[:, None].astype(np.float64) for run in runs], self.kernels)[0] for runs in directions]
        return replace(self, weights=np.stack(fitted))

    def balanced(self, noise: Floats, runs: int) -> Floats:
        """Returns drawn latents (rows, D) of that many runs with exactly the fitted mean and covariance, as moments are
        matched in simulation (Barraquand 1995): a hundred lives drawn at random are not yet an average hundred. Too few
        runs to be an average of anything are left as they are."""
        if runs < RUNS_TO_BALANCE * len(self.weights):
            return noise
        drawn = noise - noise.mean(0)
        made = np.cov(drawn, rowvar=False).reshape(len(self.weights), -1)
        return np.asarray(drawn @ transport(made, self.mixing.T @ self.mixing) + self.mean, np.float32)

    def share(self, kind: KernelKind) -> float:
        """Returns the mean weight of one kind of kernel over all directions."""
        of_kind = [k for k, kernel in enumerate(self.kernels) if kernel.kind == kind]
        return float(self.weights[:, of_kind].sum(1).mean())


def transport(made: Array, real: Array) -> Array:
    """Returns the symmetric map (C, C) that turns rows with covariance `made` into rows with covariance `real` and
    moves them least (optimal transport between Gaussians: Olkin & Pukelsheim 1982)."""
    root = _root(made)
    inverse = np.linalg.inv(root)
    return np.asarray(inverse @ _root(root @ real @ root) @ inverse)


def _root(matrix: Array) -> Array:
    """Returns the symmetric square root of a covariance, of which no direction may vanish."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    least = 1e-6 * max(float(values[-1]), 1e-12)
    return np.asarray((vectors * np.sqrt(np.maximum(values, least))) @ vectors.T)


def fit_memory(runs: Sequence[Floats], *, whiten: bool, periods: Sequence[float] = (), above: float = 0.0) -> Memory:
    """Returns the memory of latent runs, arrays (T, D) of one run each in time order.

    With `whiten` the latent is first brought to N(0, I) by its mean and covariance, as a variational encoder's needs.
    `periods` and `above` as in `kernels`.
    """
    pooled = np.concatenate(runs).astype(np.float64)
    dimensions = pooled.shape[1]
    mean, root, inverse = np.zeros(dimensions), np.eye(dimensions), np.eye(dimensions)
    if whiten:
        mean = pooled.mean(0)
        values, vectors = np.linalg.eigh(np.cov(pooled, rowvar=False).reshape(dimensions, dimensions))
        values = np.maximum(values, 1e-4)
        root, inverse = (vectors * np.sqrt(values)) @ vectors.T, (vectors / np.sqrt(values)) @ vectors.T
    white = [(run - mean) @ inverse for run in runs]
    rotation = _rotation(white, periods)
    dictionary = kernels(max(len(run) for run in runs), periods, above)
    weights = _weights([run @ rotation for run in white], dictionary)
    return Memory(dictionary, weights, rotation.T @ root, mean)


def _weights(runs: Sequence[Array], dictionary: Sequence[Kernel]) -> Array:
    """Returns the weights (D, K) of the kernels in runs (T, D) of white directions."""
    lags = max(2, min(MOST_LAGS, max(len(run) for run in runs) - 2))
    correlation, pairs = pooled_autocorrelation(runs, lags)
    design = np.stack([kernel.autocorrelation(lags) for kernel in dictionary], 1)
    importance = np.sqrt(pairs / pairs[0])
    importance[0] = 30.0  # the variance is exact, the near lags matter most
    importance[1:6] *= 2
    weights = np.zeros((correlation.shape[1], len(dictionary)))
    for d in range(len(weights)):
        solution, _ = nnls(design * importance[:, None], correlation[:, d] * importance)
        weights[d] = solution / solution.sum() if solution.sum() > 0 else np.eye(len(dictionary))[0]
    return weights


def pooled_autocorrelation(runs: Sequence[NDArray[np.floating]], lags: int) -> tuple[Array, Array]:
    """Returns the uncentred autocorrelation over all runs, (lags + 1, D), and the number of pairs behind each lag.

    Uncentred, because a run's own level is memory too: it is what makes runs differ from each other. Counted from the
    squared steps between pairs (variogram: Matheron 1963), because runs scatter more at their ends than in between:
    rows that have no partner a lag away would otherwise pass for lost memory.
    """
    total = np.zeros((lags + 1, runs[0].shape[1]))
    pairs = np.zeros(lags + 1)
    for run in runs:
        for lag in range(min(lags + 1, len(run))):
            total[lag] += ((run[lag:] - run[: len(run) - lag]) ** 2).sum(0)
            pairs[lag] += len(run) - lag
    pairs = np.maximum(pairs, 1)
    variance = np.sum([(run**2).sum(0) for run in runs], 0) / pairs[0]
    return 1 - total / pairs[:, None] / 2 / np.maximum(variance, 1e-12), pairs


def _rotation(runs: Sequence[Array], periods: Sequence[float] = ()) -> Array:
    """Returns the directions that part what is remembered long, what swings with the first period, and the rest.

    The swing correlates with itself a period later and against itself half a period later; a slow drift does neither
    differently, so the difference of the two tells them apart where near lags cannot.
    """
    dimensions = runs[0].shape[1]
    lagged = np.zeros((dimensions, dimensions))
    for lag in _ROTATION_LAGS:
        lagged += _lagged_covariance(runs, lag) / len(_ROTATION_LAGS)
    if periods and 2 * max(_ROTATION_LAGS) <= periods[0] <= np.median([len(run) for run in runs]) / 2:
        lagged += _lagged_covariance(runs, round(periods[0])) - _lagged_covariance(runs, round(periods[0] / 2))
    _, vectors = np.linalg.eigh((lagged + lagged.T) / 2)
    return np.asarray(vectors)


def _lagged_covariance(runs: Sequence[Array], lag: int) -> Array:
    """Returns the symmetrised uncentred covariance (D, D) at a lag, from the steps between pairs."""
    dimensions = runs[0].shape[1]
    rows, steps, pairs = np.zeros((dimensions, dimensions)), np.zeros((dimensions, dimensions)), 0
    for run in runs:
        rows += run.T @ run
        if len(run) > lag:
            step = run[lag:] - run[:-lag]
            steps += step.T @ step
            pairs += len(run) - lag
    return rows / sum(len(run) for run in runs) - steps / max(pairs, 1) / 2


def _ar1(coefficient: float, runs: int, length: int, dimensions: int, rng: np.random.Generator) -> Array:
    kicks = rng.standard_normal((runs, length, dimensions)) * np.sqrt(max(1 - coefficient**2, 0.0))
    kicks[:, 0] = rng.standard_normal((runs, dimensions))
    return np.asarray(lfilter([1.0], [1.0, -coefficient], kicks, axis=1))
