"""The cascade: one engine for the slow path of a run, a second for what happens around it, both with memory.

Scores, with lives on the scales on which their noise is steady (`scales`), are split by smoothing into a slow path and
a residual. The first engine models slow | condition, the second residual | slow, condition; the condition is RUL (where
lives are known), the hour of the day and the discrete states. Both are fitted on rows, as the refined model is. What
makes rows into runs is their noise: real rows are encoded back to noise in time order, the memory of that noise is
fitted (`memory`), and noise with that memory, with enough lives blended with theirs (`blending`), is decoded again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.refine.augmentation.blending import Donors
from services.refine.augmentation.history import History, Stretch
from services.refine.augmentation.memory import Memory, fit_memory
from services.refine.augmentation.path_engine import PathEngine
from services.refine.augmentation.regimes import Levels, find_levels
from services.refine.augmentation.scales import Scales
from services.refine.augmentation.trend import Trend, fit_trend
from services.refine.codec import Codec
from services.refine.discrete import Codes
from services.refine.engines import Engine, Layout, Shape, create_engine
from services.refine.training import Rows, Schedule, Training, largest_power_of_two

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

EVALUATIONS = 12
EPOCHS = 30
MARGIN_LEVELS = 128
STEPS = {"flow": 2400, "tvae": 2400, "path": 2400}
BATCH = 256  # 512 costs twice as much and gains nothing that outweighs the chance of one fit
LEARNING_RATE = 2e-3
SMOOTHING = 20.0  # standard deviation of the Gaussian in samples, where validation does not choose another (`fitting`)
SERIES_SMOOTHING = 3.0  # continuous series turn faster than lives age (gas turbine, hourly: steps .12 against .18)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Conditioning:
    """How RUL, hour and states become conditions. `most` is the longest RUL seen, `knee` where ageing shows."""

    lives: bool
    hourly: bool
    codec: Codec
    step: float = 1.0
    most: float = 1.0
    knee: float = 1.0
    ranks: Array | None = None
    regimes: int = 0  # number of regimes, which are then the codes' last column

    @classmethod
    def of(cls, history: History, codec: Codec) -> Conditioning:
        """Returns the conditioning for a history; `codec` gives the one-hot states."""
        regimes = 0 if history.regimes is None else len(history.regimes.combinations)
        if not history.has_lives:
            return cls(False, history.hourly, codec, regimes=regimes)
        every = np.concatenate([s.rul for s in history.stretches if s.rul is not None])
        knee = 0.75 * float(np.median([life.rul.max() for life in history.lives]))
        quantiles = np.quantile(every, np.linspace(0, 1, 65))
        return cls(True, history.hourly, codec, history.rul_step, history.most_rul, max(knee, 1e-9), quantiles, regimes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the condition columns."""
        life = ("rul:knee", "rul:log", "rul:rank") if self.lives else ()
        hour = ("hour:sin", "hour:cos") if self.hourly else ()
        return (*life, *hour, *self.codec.condition_names, *(f"regime:{number}" for number in range(self.regimes)))

    def columns(self, rul: Array | None, hour: Array | None, codes: Codes) -> Floats:
        """Returns the conditions (n, K) of rows."""
        parts: list[NDArray[np.floating]] = []
        if self.lives and rul is not None and self.ranks is not None:
            rul = np.minimum(rul, self.most)
            rank = np.interp(rul, self.ranks, np.linspace(0, 1, len(self.ranks)))
            near = np.minimum(rul, self.knee) / self.knee
            log = np.log1p(rul / self.step) / math.log1p(self.most / self.step)
            parts.append(np.stack([2 * near - 1, 4 * log - 3, 3.4 * rank - 1.7], 1))
        if self.hourly and hour is not None:
            angle = 2 * np.pi * hour / 24
            parts.append(np.stack([np.sin(angle), np.cos(angle)], 1))
        parts.append(self.codec.conditions(codes[:, : len(self.codec.discrete.names)]))
        if self.regimes:
            parts.append(codes[:, -1:] == np.arange(self.regimes)[None, :])
        return np.concatenate(parts, 1).astype(np.float32)


@dataclass(frozen=True)
class Cascade:
    """Both fitted engines with their memories; `generate` turns planned rows into scores."""

    columns: tuple[str, ...]
    conditioning: Conditioning
    slow: Engine
    fast: Engine
    slow_memory: Memory
    fast_memory: Memory
    centre: Array
    slow_scale: Array
    fast_scale: Array
    smoothing: float
    resampled: tuple[Floats, ...] = ()  # real slow paths to draw stretches from, where fresh ones cannot be learnt
    donors: Donors | None = None  # lives that lead runs, where there are enough
    mixing: float = 0.0  # share of variance of a run's slow latent that comes from the life that leads it
    margins: tuple[Array, Array] | None = None  # quantiles (levels, C) of generated and of training scores
    levels: Levels | None = None  # of the states, where sensors jump between states
    slow_trend: Trend | None = None  # of the slow latent with remaining life
    fast_trend: Trend | None = None
    scales: Scales | None = None  # on which slow path and residual are split; None: on normal scores

    def generate(
        self,
        lengths: Sequence[int],
        rul: Array | None,
        hour: Array | None,
        codes: Codes,
        keep: NDArray[np.bool_],
        seed: int,
    ) -> Floats:
        """Returns scores (kept rows, C) of runs with these lengths; the other arguments are for all rows, run by run.

        Every row has its place in the run's memory, but only rows with `keep` are decoded.
        """
        rng = np.random.default_rng([seed, 11])
        conditions = self.conditioning.columns(rul, hour, codes)[keep]
        if self.resampled:
            slow = self._resampled(lengths, rng)[keep]
        else:
            slow = self.slow.decode(self._slow_noise(lengths, rul, rng)[keep], conditions, evaluations=EVALUATIONS)
        noise = _restored(self.fast_memory.draw_runs(lengths, rng), self.fast_trend, rul)
        residual = self.fast.decode(noise[keep], np.concatenate([conditions, slow], 1), evaluations=EVALUATIONS)
        scores = np.asarray(slow * self.slow_scale + self.centre + residual * self.fast_scale, np.float32)
        if self.levels is not None:
            scores = self.levels.restored(scores, codes[keep])
        return self._calibrated(scores if self.scales is None else self.scales.back(scores))

    def with_margins(self, generated: Floats, training: Floats) -> Cascade:
        """Returns the cascade with margins mapped, in order, from those of `generated` scores to the training's."""
        levels = (np.arange(MARGIN_LEVELS) + 0.5) / MARGIN_LEVELS
        source, target = (np.quantile(scores.astype(np.float64), levels, axis=0) for scores in (generated, training))
        rising = np.arange(MARGIN_LEVELS)[:, None] * 1e-9  # np.interp needs increasing points
        return replace(self, margins=(np.asarray(source + rising), np.asarray(target)))

    def _calibrated(self, scores: NDArray[np.floating]) -> Floats:
        if self.margins is None:
            return np.asarray(scores, np.float32)
        out = np.empty(scores.shape, np.float32)
        for j in range(scores.shape[1]):
            source, target = self.margins[0][:, j], self.margins[1][:, j]
            inside = np.interp(scores[:, j], source, target)
            # Beyond the outermost quantiles the tail is shifted, not squashed.
            out[:, j] = inside + np.minimum(scores[:, j] - source[0], 0) + np.maximum(scores[:, j] - source[-1], 0)
        return out

    def slow_path(self, scores: Floats) -> Floats:
        """Returns the smoothed scores of one run, on the cascade's scales."""
        return smoothed(scores if self.scales is None else self.scales.of(scores), self.smoothing)

    def _slow_noise(self, lengths: Sequence[int], rul: Array | None, rng: np.random.Generator) -> Floats:
        noise = self.slow_memory.draw_runs(lengths, rng)
        if self.donors is not None and self.mixing:
            noise = self.donors.blended(noise, lengths, self.mixing, rng)
        return _restored(noise, self.slow_trend, rul)

    def _resampled(self, lengths: Sequence[int], rng: np.random.Generator) -> Floats:
        """Returns real slow paths: a random place of one for each run, there and back where too short."""
        total = np.array([len(path) for path in self.resampled], float)
        runs = []
        for length in lengths:
            path = self.resampled[int(rng.choice(len(total), p=total / total.sum()))]
            there_and_back = np.concatenate([path, path[::-1]])
            start = int(rng.integers(0, max(1, len(path) - length + 1)))
            runs.append(there_and_back[(start + np.arange(length)) % len(there_and_back)])
        return np.concatenate(runs)


def smoothed(scores: Floats, width: float) -> Floats:
    """Returns the rows smoothed in time by a Gaussian of that width in samples, shorter at short runs."""
    width = min(width, len(scores) / 8)
    if width < 0.5:
        return scores
    return np.asarray(gaussian_filter1d(scores.astype(np.float64), width, axis=0, mode="nearest"), np.float32)


def fit_cascade(
    history: History,
    codec: Codec,
    kind: str,
    *,
    seed: int = 0,
    smoothing: float = 0.0,
    resample_slow: bool = False,
    mixing: float = 0.0,
    scales: Scales | None = None,
    progress: Progress | None = None,
) -> Cascade:
    """Returns the cascade fitted on the history's training stretches; `kind` ("flow", "tvae") models the residual.

    `scales` are those on which to split slow from fast, None for normal scores; with `mixing` lives are kept to blend.
    Validation stretches choose the best epoch; without any, a tenth of the training rows (whole stretches) do.
    """
    smoothing = smoothing or (SMOOTHING if history.has_lives else SERIES_SMOOTHING)
    conditioning = Conditioning.of(history, codec)
    train, held, levels = _levelled(history, scales)
    paths = [smoothed(stretch.scores, smoothing) for stretch in train]
    residuals = [stretch.scores - path for stretch, path in zip(train, paths, strict=True)]
    centre, slow_scale = _centre_and_scale(paths)
    _, fast_scale = _centre_and_scale(residuals)
    held_paths = [smoothed(stretch.scores, smoothing) for stretch in held]

    def rows(stretches: Sequence[Stretch], slow_paths: Sequence[Floats]) -> tuple[Rows, Rows]:
        conditions = np.concatenate([conditioning.columns(s.rul, s.hour, s.codes) for s in stretches])
        slow = ((np.concatenate(slow_paths) - centre) / slow_scale).astype(np.float32)
        residual = np.concatenate([s.scores - p for s, p in zip(stretches, slow_paths, strict=True)]) / fast_scale
        seen = np.concatenate([s.observed for s in stretches])
        fast = np.where(seen, residual, np.nan).astype(np.float32)
        codes = np.concatenate([s.codes for s in stretches])[:, : len(codec.discrete.names)]
        weights = codec.discrete.tempered_weights(codes)
        return Rows(slow, conditions, weights), Rows(fast, np.concatenate([conditions, slow], 1), weights)

    slow_rows, fast_rows = rows(train, paths)
    slow_held, fast_held = rows(held, held_paths)
    columns = history.columns
    slow_names = tuple(f"slow:{name}" for name in columns)
    shape = Shape(width=128, depth=3, latent=max(4, min(16, len(columns))))
    slow_layout = Layout(slow_names, conditioning.names)
    slow: Engine
    if history.has_lives:
        slow = PathEngine(slow_layout, shape, seed=seed)
    else:  # paths that are not tied to an age: whatever moves them is in the latent, and the flow keeps it smoother
        slow = create_engine("flow", slow_layout, shape, seed=seed)
    fast = create_engine(kind, Layout(columns, (*conditioning.names, *slow_names)), shape, seed=seed + 1)
    _train(slow, slow_rows, slow_held, STEPS[slow.kind], seed, "fit slow path", progress)
    _train(fast, fast_rows, fast_held, STEPS[kind], seed + 1, "fit residual", progress)
    bounds = np.cumsum([0, *(len(stretch) for stretch in train)])
    filled = Rows(np.asarray(np.concatenate(residuals) / fast_scale, np.float32), fast_rows.conditions)
    slow_latent, slow_trend = _latent(slow, slow_rows, train, bounds)
    fast_latent, fast_trend = _latent(fast, filled, train, bounds)
    periods = _periods(history)
    return Cascade(
        columns=columns,
        conditioning=conditioning,
        slow=slow,
        fast=fast,
        slow_memory=fit_memory(slow_latent, whiten=slow.kind == "path", periods=periods),
        fast_memory=fit_memory(fast_latent, whiten=True, periods=() if history.has_lives else periods, above=smoothing),
        centre=centre,
        slow_scale=slow_scale,
        fast_scale=fast_scale if scales is None else scales.before_rounding(fast_scale),
        smoothing=smoothing,
        resampled=tuple(((p - centre) / slow_scale).astype(np.float32) for p in paths) if resample_slow else (),
        donors=_donors(slow_latent, train) if mixing and slow_trend is not None else None,
        mixing=mixing,
        levels=levels,
        slow_trend=slow_trend,
        fast_trend=fast_trend,
        scales=scales,
    )


def _levelled(history: History, scales: Scales | None) -> tuple[list[Stretch], list[Stretch], Levels | None]:
    """Returns training and validation stretches on the scales and above their states' levels, and these levels."""
    train, held = _with_validation(history)
    if scales is not None:
        train, held = ([replace(s, scores=scales.of(s.scores)) for s in part] for part in (train, held))
    levels = find_levels([(stretch.scores, stretch.codes) for stretch in train])
    if levels is not None:
        train, held = ([replace(s, scores=levels.removed(s.scores, s.codes)) for s in part] for part in (train, held))
    return list(train), list(held), levels


def _with_validation(history: History) -> tuple[Sequence[Stretch], Sequence[Stretch]]:
    if sum(len(stretch) for stretch in history.validation) >= 50:
        return history.stretches, history.validation
    if len(history.stretches) < 5:
        return history.stretches, history.stretches
    every = max(2, len(history.stretches) // max(1, len(history.stretches) // 10))
    held = history.stretches[::every]
    return history.stretches, held


def _train(
    engine: Engine, rows: Rows, held: Rows, steps: int, seed: int, phase: str, progress: Progress | None
) -> None:
    batch = min(BATCH, largest_power_of_two(max(16, len(rows) // 8)))
    plan = Schedule(EPOCHS, batch, max(1, steps // EPOCHS), learning_rate=LEARNING_RATE, patience=EPOCHS)
    training = Training(engine, rows, held, plan, seed=seed)
    for result in training.epochs():
        if progress is not None:
            progress(phase, result.epoch, EPOCHS)
    training.finish()


def _latent(
    engine: Engine, rows: Rows, stretches: Sequence[Stretch], bounds: NDArray[np.int64]
) -> tuple[list[Floats], Trend | None]:
    """Returns the latent of each stretch, and its trend with remaining life, which has been removed from it."""
    latent = engine.encode(rows.scores, rows.conditions, evaluations=20)
    rul = [stretch.rul for stretch in stretches if stretch.rul is not None]
    trend = fit_trend(latent, np.concatenate(rul)) if rul else None
    if trend is not None:
        latent = trend.removed(latent, np.concatenate(rul))
    return [latent[first:last] for first, last in pairwise(bounds)], trend


def _restored(noise: Floats, trend: Trend | None, rul: Array | None) -> Floats:
    return noise if trend is None or rul is None else trend.restored(noise, rul)


def _donors(latent: Sequence[Floats], stretches: Sequence[Stretch]) -> Donors | None:
    """Returns the slow latents of the runs that were seen in one stretch down to its end; None without any."""
    counts = Counter(stretch.run for stretch in stretches)
    whole = [run for run, stretch in zip(latent, stretches, strict=True) if counts[stretch.run] == 1]
    return Donors.of(whole)


def _centre_and_scale(parts: Sequence[Floats]) -> tuple[Array, Array]:
    pooled = np.concatenate(parts).astype(np.float64)
    return pooled.mean(0), np.maximum(pooled.std(0), 1e-3)


def _periods(history: History) -> tuple[float, ...]:
    """Returns the periods, in samples, of a day and its halves and thirds, where the time between rows is known."""
    if not history.paced:
        return ()
    day = 86_400.0 / history.cadence_s
    return tuple(period for period in (day, day / 2, day / 3, 2 * day) if 3 <= period <= 240)
