"""What the real training rows tell about time: unbroken stretches of scores, lives, cadence and the hour of the day.

Reads training rows only; validation rows are kept apart for choosing between candidates. A stretch ends where the run,
the segment or the split changes and at every gap, so nothing is ever smoothed or correlated across a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.refine.augmentation import errors as errors
from services.refine.augmentation.clock import (
    DAY_S,
    WEEK_S,
    cadence_of,
    hours_of,
    hours_of_day,
    span_s,
    start_after,
)
from services.refine.augmentation.daily import hours_from_swing
from services.refine.augmentation.dwell import Record, States, fit_states
from services.refine.augmentation.holding import Holds, fit_holds, is_held
from services.refine.augmentation.lifetimes import (
    FEWEST_ROWS,
    Life,
    is_sparse,
    known_rul,
    lives_known,
    lives_of,
    measured_rul_step,
    run_lengths,
)
from services.refine.augmentation.regimes import Regimes, find_regimes
from services.refine.codec import MISSING, Codec
from services.refine.discrete import Codes

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

GAP_STEPS = 5.0  # a pause longer than so many median steps ends a stretch
SHORTEST_STRETCH = 8
FEWEST_WEEKS = 3  # so that a day of the week is more than one day


@dataclass(frozen=True)
class Stretch:
    """Unbroken rows of one run: scores (T, C) without gaps, codes (T, G), RUL (T,) or None, hour (T,) or None.

    The hour counts from Monday, 0:00, or from a midnight where only a daily swing tells it.
    `observed` (T, C) is False where a score was missing and has been interpolated, `read` (T, C) where a value only
    repeats the row before. The codes are the codec's, and one more column, the regime, where the history has regimes.
    """

    run: str
    scores: Floats
    observed: NDArray[np.bool_]
    read: NDArray[np.bool_]
    codes: Codes
    rul: Array | None
    hour: Array | None

    def __len__(self) -> int:
        return len(self.scores)


_ENOUGH_TO_JUDGE = 50  # rows


@dataclass(frozen=True)
class History:
    """Training stretches, validation stretches, lives with known RUL and the clock of the machine.

    `columns` are the score columns told by the rows, `untold` the model's columns they lack. `rul_step` is the RUL that
    one sample uses up. `timed`: the rows have a clock, `paced`: the time between them is known, `hourly`: so is the
    hour of the day, if only from a daily swing; `weekly`: so is the day of the week, and enough weeks were seen.
    `lengths` are the lengths of runs in samples: lifetimes where RUL is known. `states` says how codes follow each
    other, `holds` how long readings stand, where columns are read seldom.
    """

    columns: tuple[str, ...]
    untold: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    validation: tuple[Stretch, ...]
    lives: tuple[Life, ...]
    lengths: Array
    rul_step: float
    most_rul: float
    sparse: bool
    cadence_s: float
    timed: bool
    paced: bool
    hourly: bool
    weekly: bool
    start: datetime
    states: States
    regimes: Regimes | None = None
    holds: Holds | None = None

    @property
    def has_lives(self) -> bool:
        """Whether runs to failure with a known RUL were seen."""
        return bool(self.lives)

    @property
    def rows(self) -> int:
        """Training rows in all stretches."""
        return sum(len(stretch) for stretch in self.stretches)

    @property
    def periods(self) -> tuple[float, ...]:
        """Periods, in samples, of a day and its halves and thirds, where the time between rows is known."""
        day = DAY_S / self.cadence_s if self.paced else 0.0
        return tuple(period for period in (day, day / 2, day / 3, 2 * day) if 3 <= period <= 240)

    def with_validation(self) -> tuple[Sequence[Stretch], Sequence[Stretch]]:
        """Training stretches, and those by which training is judged: some of the same where validation has too few."""
        if sum(len(stretch) for stretch in self.validation) >= _ENOUGH_TO_JUDGE:
            return self.stretches, self.validation
        if len(self.stretches) < 5:
            return self.stretches, self.stretches
        every = max(2, len(self.stretches) // max(1, len(self.stretches) // 10))
        return self.stretches, self.stretches[::every]


def read_history(
    table: pl.DataFrame,
    codec: Codec,
    profile: MachineProfile,
    *,
    lives: bool | None = None,
    with_validation: bool = False,
) -> History:
    """Returns the history in the transformed table's training rows (`split == "train"`, or all rows without a split).

    `lives` True insists on lives, False ignores RUL, None takes what is there; `with_validation` counts validation rows
    among the training rows. Raises AUGMENT_ROWS_TOO_FEW and AUGMENT_NO_LIVES.
    """
    table = _labelled(table)
    if with_validation:
        table = table.with_columns(pl.col("_set").replace("val", "train"))
    train = table.filter(pl.col("_set") == "train")
    cadence, timed = cadence_of(train, profile)
    use_rul = lives is not False and "rul" in codec.names and lives_known(train)
    if lives and not use_rul:
        raise SensorForgeError(
            "AUGMENT_NO_LIVES",
            f"Whole lives were asked for, but of {train.height} training rows {known_rul(train)} have an RUL, and the "
            f"model {'has' if 'rul' in codec.names else 'has no'} RUL.",
        )
    told = tuple(n for n in codec.continuous if n != "rul" and n in train.columns and train[n].drop_nulls().len() > 1)
    continuous = set(codec.continuous)
    untold = tuple(
        n for n in codec.names if n != "rul" and n not in told and (n in continuous or n not in train.columns)
    )
    hourly = timed and cadence <= 3 * 3600 and span_s(train) >= 3 * DAY_S
    regimes = find_regimes(train, [name for name in told if train[name].dtype.is_numeric()])
    stretches = _stretches(train, codec, told, regimes, cadence, use_rul, hourly)
    rows = sum(len(stretch) for stretch in stretches)
    if rows < FEWEST_ROWS or not told:
        raise SensorForgeError(
            "AUGMENT_ROWS_TOO_FEW",
            f"Only {rows} training rows lie in unbroken stretches of at least {SHORTEST_STRETCH} rows; temporal "
            f"structure cannot be learnt from fewer than {FEWEST_ROWS}.",
        )
    validation = _stretches(table.filter(pl.col("_set") == "val"), codec, told, regimes, cadence, use_rul, hourly)
    paced = timed or profile.sampling_period_s is not None
    if paced and not timed and not use_rul:
        stretches, validation, hourly = _with_hours(stretches, validation, DAY_S / cadence)
    found = lives_of(train, cadence) if use_rul else ()
    rul_step = measured_rul_step(train) if use_rul else 0.0
    sparse = bool(found) and is_sparse(found, rul_step)
    return History(
        columns=told,
        untold=untold,
        stretches=stretches,
        validation=validation,
        lives=found,
        lengths=run_lengths(table, found, rul_step, sparse),
        rul_step=rul_step,
        most_rul=max((float(life.rul.max()) for life in found), default=0.0),
        sparse=sparse,
        cadence_s=cadence,
        timed=timed,
        paced=paced,
        hourly=hourly,
        weekly=hourly and timed and span_s(train) >= FEWEST_WEEKS * WEEK_S,
        start=start_after(table),
        states=fit_states(_records(stretches, codec)),
        regimes=regimes,
        holds=fit_holds(
            [stretch.read for stretch in stretches], _held(train, told, regimes), _records(stretches, codec)
        ),
    )


def _labelled(table: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows with `_set`, `_run` (text) and `_row` (position in the machine's own order)."""
    sets = pl.col("split") if "split" in table.columns else pl.lit("train")
    if "run_id" in table.columns:
        run = pl.col("run_id").cast(pl.String).fill_null("")
    elif "segment" in table.columns:
        run = pl.col("segment").cast(pl.String).fill_null("")
    else:
        run = pl.lit("1")
    if "rul" in table.columns and "run_id" not in table.columns:  # RUL that jumps up has begun a new life
        rising = (pl.col("rul").cast(pl.Float64).diff() > 0).fill_null(False).cum_sum().cast(pl.String)
        run = pl.concat_str([run, rising], separator=".")
    return table.with_columns(sets.alias("_set"), run.alias("_run"), pl.int_range(pl.len()).alias("_row"))


def _records(stretches: Sequence[Stretch], codec: Codec) -> list[Record]:
    """Returns the stretches' states; that a value is missing is no state, since generated rows are complete."""
    bits = [g for g, name in enumerate(codec.discrete.names) if name.startswith(MISSING)]
    lives: dict[str, float] = {}
    for stretch in stretches:
        if stretch.rul is not None:
            lives[stretch.run] = max(lives.get(stretch.run, 0.0), float(stretch.rul.max()))
    records = []
    for stretch in stretches:
        codes = stretch.codes.copy()
        codes[:, bits] = 0
        hour = None if stretch.hour is None else hours_of_day(stretch.hour)
        records.append(Record(codes, stretch.rul, hour, lives.get(stretch.run, 1.0)))
    return records


def _held(train: pl.DataFrame, columns: Sequence[str], regimes: Regimes | None) -> list[int]:
    """Returns which of the columns are read seldom and repeated in between."""
    runs = train.partition_by("_run", maintain_order=True)
    chosen = [n for n in columns if train[n].dtype.is_numeric() and (regimes is None or n not in regimes.names)]
    held = [n for n in chosen if is_held([run[n].cast(pl.Float64).fill_null(np.nan).to_numpy() for run in runs])]
    return [columns.index(name) for name in held]


def _stretches(
    table: pl.DataFrame,
    codec: Codec,
    columns: Sequence[str],
    regimes: Regimes | None,
    cadence: float,
    use_rul: bool,
    hourly: bool,
) -> tuple[Stretch, ...]:
    if use_rul:
        table = table.filter(pl.col("rul").is_not_null())
    if not table.height:
        return ()
    encoded = codec.encode(table, np.random.default_rng(0))
    places = [codec.continuous.index(name) for name in columns]
    scores, codes = encoded.scores[:, places], encoded.codes
    if regimes is not None:
        codes = np.concatenate([codes, regimes.labels(table)[:, None]], 1)
    rul = table["rul"].cast(pl.Float64).to_numpy() if use_rul else None
    hour = hours_of(table) if hourly else None
    read = np.stack([(table[name] != table[name].shift()).fill_null(True).to_numpy() for name in columns], 1)
    names = table["_run"].to_list()
    bounds = [*np.flatnonzero(_breaks(table, cadence)).tolist(), table.height]
    found = []
    for first, last in pairwise(bounds):
        if last - first < SHORTEST_STRETCH:
            continue
        rows = slice(first, last)
        observed = ~np.isnan(scores[rows])
        found.append(
            Stretch(
                run=names[first],
                scores=_bridged(scores[rows], observed),
                observed=observed,
                read=read[rows],
                codes=codes[rows],
                rul=None if rul is None else rul[rows],
                hour=None if hour is None else hour[rows],
            )
        )
    return tuple(found)


def _with_hours(
    stretches: tuple[Stretch, ...], validation: tuple[Stretch, ...], day: float
) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...], bool]:
    """Returns both with the hours that their daily swing tells, and whether it tells any."""
    every = (*stretches, *validation)
    hours = hours_from_swing([stretch.scores for stretch in every], day)
    if hours is None:
        return stretches, validation, False
    timed = tuple(replace(stretch, hour=hour) for stretch, hour in zip(every, hours, strict=True))
    return timed[: len(stretches)], timed[len(stretches) :], True


def _breaks(table: pl.DataFrame, cadence: float) -> NDArray[np.bool_]:
    """Returns True for each row that begins a stretch."""
    begins = (pl.col("_run") != pl.col("_run").shift()) | (pl.col("_row").diff() != 1)
    if "segment" in table.columns:
        begins = begins | (pl.col("segment") != pl.col("segment").shift())
    if "timestamp" in table.columns:
        pause = pl.col("timestamp").diff().dt.total_microseconds() / 1e6
        begins = begins | (pause > GAP_STEPS * cadence) | (pause < 0)
    marks = table.select(begins.fill_null(True)).to_series().to_numpy().copy()
    marks[0] = True
    return np.asarray(marks, dtype=np.bool_)


def _bridged(scores: Floats, observed: NDArray[np.bool_]) -> Floats:
    """Returns scores with missing ones interpolated along the stretch (held at its ends, 0 where nothing was seen)."""
    if observed.all():
        return scores
    filled = scores.copy()
    positions = np.arange(len(scores))
    for j in np.flatnonzero(~observed.all(0)):
        seen = observed[:, j]
        filled[:, j] = np.interp(positions, positions[seen], scores[seen, j]) if seen.any() else 0.0
    return filled
