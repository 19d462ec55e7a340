"""The operation refine.augment: a refined model and real training rows in; train, val, test and a quality report out.

How the refined model is respected: its codec gives margins, limits, resolution and states; its engine kind is that of
the cascade's residual; columns that only its seed knows are borrowed from its own joint. What it cannot know, the
movement in time, is learnt here from the training rows (docs/physics.md, "Augmentation").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from services.chassis.errors import SensorForgeError
from services.jobs.operation import JobContext
from services.machines.profile import MachineProfile
from services.refine.augmentation import errors as errors
from services.refine.augmentation.borrowed import Lender
from services.refine.augmentation.cascade import Cascade, fit_cascade
from services.refine.augmentation.history import History, read_history
from services.refine.augmentation.lives import plan_runs
from services.refine.augmentation.options import AugmentOptions, read_options, set_sizes
from services.refine.augmentation.quality import CLOSE_SHARE_LIMIT, SetRecord, nearest_to_training, quality_report
from services.refine.augmentation.real_rows import real_runs
from services.refine.augmentation.sets import SetMaker
from services.refine.augmentation.where import Condition, parse_condition
from services.refine.augmentation.widths import choose_width
from services.refine.model import Model

FEWEST_LIVES = 5
_MIXING = ((40, 0.5), (20, 0.3))  # lives, and the share of a real slow path that so many lives can hide
_LESS_MIXING = 0.15
_PILOT_RUNS, _PILOT_ROWS = 40, 12_000
_DRIFT = 0.8  # normal scores between the first and the last third of a single series
_DRIFTING_SHARE = 0.25


@dataclass(frozen=True)
class _Source:
    """The inputs, loaded."""

    model: Model
    profile: MachineProfile
    table: pl.DataFrame
    history: History

    @property
    def columns(self) -> tuple[str, ...]:
        """Sensors in profile order, then others of the model, then RUL where there is one."""
        known = set(self.model.sensors)
        ordered = [sensor.name for sensor in self.profile.columns if sensor.name in known]
        ordered += [name for name in self.model.sensors if name not in ordered and name != "rul"]
        return (*ordered, "rul") if "rul" in known else tuple(ordered)


def run(ctx: JobContext) -> None:
    """Writes output "sets" (kind augmented): train.parquet, val.parquet, test.parquet, quality.json.

    Raises SensorForgeError: AUGMENT_*, WHERE_*, MODEL_FILE_INVALID.
    """
    options = read_options(ctx.params)
    source = _load(ctx, options)
    condition = _condition(options.where, source)
    disclosures = _disclosures(source, options)
    resample = _drifts(source.history)
    if resample:
        disclosures.append(
            "The training rows are one drifting record; its slow path is resampled from the record itself, so these "
            "sets show its noise afresh but no drift that was not seen."
        )
        ctx.warning("AUGMENT_SLOW_PATH_RESAMPLED", disclosures[-1])

    def fitted(phase: str, done: int, total: int) -> None:
        ctx.stop_if_cancelled()
        ctx.progress(phase, done, total)

    kind = source.model.engine.kind
    chosen = choose_width(source.history, source.model.codec, kind, seed=ctx.seed, progress=fitted)
    cascade = fit_cascade(
        source.history,
        source.model.codec,
        kind,
        seed=ctx.seed,
        smoothing=chosen.width,
        resample_slow=resample,
        mixing=_mixing(source.history),
        progress=fitted,
    )
    cascade = _hidden_enough(cascade, source.history, ctx.seed)
    if not source.history.has_lives:
        cascade = _with_margins(cascade, source.history, ctx.seed)
    if cascade.mixing:
        disclosures.append(
            f"{100 * cascade.mixing:.0f} % of the variance of each run's slow path comes from a real training life; "
            "the nearest-run gate was passed before anything was written."
        )
    records = _write_sets(ctx, source, cascade, condition, options, disclosures)
    independent = source.model.sample(min(10_000, 2 * source.history.rows), seed=ctx.seed)
    report = quality_report(
        records,
        source.history,
        cascade,
        source.model.codec,
        independent=independent,
        conditional=condition.keeps is not None,
        disclosures=disclosures,
    )
    report["smoothing"] = {"width": chosen.width, "scores": {f"{width:g}": s for width, s in chosen.scores.items()}}
    report |= {"schema_version": 1, "machine_id": ctx.machine, "where": condition.text, "mix_real": options.mix_real}
    for gate, verdict in report["gates"].items():
        if verdict == "failed":
            ctx.warning("AUGMENT_GATE_FAILED", f"The augmented sets fail the gate {gate!r}; see quality.json.")
    ctx.output("sets", "augmented").json("quality.json", report)


def _load(ctx: JobContext, options: AugmentOptions) -> _Source:
    if "table" not in ctx.inputs:
        raise SensorForgeError(
            "AUGMENT_TABLE_MISSING", "No transformed table was given, so nothing says how the machine moves in time."
        )
    ctx.progress("read history")
    model = Model.from_files(ctx.json("model", "model.json"), ctx.file("model", "weights.safetensors").read_bytes())
    profile = MachineProfile.from_json(ctx.json("profile"))
    table = ctx.table("table", "processed.parquet")
    return _Source(model, profile, table, read_history(table, model.codec, profile, lives=options.lives))


def _condition(text: str, source: _Source) -> Condition:
    """Returns the condition, refused at once where limits or lifetimes already rule it out."""
    codec = source.model.codec
    states = {c.name: [str(v) for v in c.values if v is not None] for c in codec.columns if c.dtype != "number"}
    numbers = [name for name in source.columns if name not in states]
    condition = parse_condition(text, numbers, states)
    possible = {
        sensor.name: (
            -np.inf if sensor.min is None else sensor.min,
            np.inf if sensor.max is None else sensor.max,
        )
        for sensor in source.profile.columns
    }
    if source.history.has_lives:
        possible["rul"] = (
            0.0,
            max(source.history.most_rul, float(source.history.lengths[-1]) * source.history.rul_step),
        )
    else:
        possible["rul"] = (0.0, np.inf if source.profile.rul_max is None else source.profile.rul_max)
    for name, (low, high) in condition.bounds.items():
        least, most = possible.get(name, (-np.inf, np.inf))
        if low > high or low > most or high < least:
            raise SensorForgeError(
                "WHERE_UNSATISFIED",
                f"No row can meet {condition.text!r}: {name} would have to lie between {low:g} and {high:g}, "
                f"and it lies between {least:g} and {most:g}.",
            )
    return condition


def _disclosures(source: _Source, options: AugmentOptions) -> list[str]:
    history, told = source.history, []
    runs = len({stretch.run for stretch in history.stretches})
    if history.has_lives and len(history.lives) < FEWEST_LIVES:
        told.append(f"Only {len(history.lives)} lives were seen in training; lifetimes vary no more than theirs do.")
    if history.has_lives and history.sparse:
        told.append(
            "Lives were seen through recording windows; synthetic ones have the same windows, stretched a little."
        )
    if not history.has_lives:
        told.append(f"No lives are known: continuous series, after {runs} real run(s) of {history.rows} training rows.")
    if "rul" in source.columns and not history.has_lives:
        told.append(
            "RUL is seed-derived: no real row had one. Its level follows the refined model, its slope the clock."
        )
    if history.untold:
        told.append(
            f"Seed-derived columns ({', '.join(history.untold)}) are borrowed row by row from the refined model; "
            "they have no temporal structure of their own."
        )
    if len(source.model.codec.discrete.names):
        told.append("Discrete states follow resampled sequences of real training runs.")
    if not history.timed:
        told.append(f"The real rows have no clock; timestamps are {history.cadence_s:g} s apart by assumption.")
    if options.mix_real:
        told.append("train.parquet contains real training rows (run_id real-*) on the synthetic time line.")
    return told


def _mixing(history: History) -> float:
    """Returns the most of real slow paths to mix in, by the number of lives: it makes runs truer and less new."""
    lives = 0 if history.sparse else len(history.lives)
    return next((share for least, share in _MIXING if lives >= least), 0.0)


def _hidden_enough(cascade: Cascade, history: History, seed: int) -> Cascade:
    """Returns the cascade with less mixing, or none, while trial runs come too near to real ones.

    Half the gate's limit is asked for, so that other runs than the trial's will pass it.
    """
    mixing = cascade.mixing
    while mixing > 0:
        mixed = replace(cascade, mixing=mixing)
        near = nearest_to_training(history, mixed, _trial(mixed, history, _trial_rows(history), seed))
        if near is not None and near.close_share <= CLOSE_SHARE_LIMIT / 2:
            return mixed
        mixing = round(mixing - _LESS_MIXING, 2) if near is not None else 0.0
    return replace(cascade, mixing=0.0, donors=())


def _trial_rows(history: History) -> int:
    return int(_PILOT_RUNS * np.median(history.lengths))


def _with_margins(cascade: Cascade, history: History, seed: int) -> Cascade:
    """Returns the cascade with the training rows' margins, which two engines in a row would otherwise blur.

    For series only: with lives the margins of a trial depend on which lifetimes it drew, and correcting for that bends
    the end of life (C-MAPSS: window C2ST .60 -> .81).
    """
    trial = np.concatenate(_trial(cascade, history, _PILOT_ROWS, seed))
    return cascade.with_margins(trial, np.concatenate([stretch.scores for stretch in history.stretches]))


def _trial(cascade: Cascade, history: History, rows: int, seed: int) -> list[NDArray[np.float32]]:
    """Returns the scores of runs that are looked at and thrown away."""
    plan = plan_runs(history, rows, seed=seed + 1)
    keep = np.ones(plan.rows, dtype=bool)
    scores = cascade.generate(plan.lengths, plan.rul, plan.hour, plan.codes, keep, seed + 1)
    return np.split(scores, np.cumsum(plan.lengths)[:-1])


def _drifts(history: History) -> bool:
    """Whether the rows are one record whose slow path moves one way, which cannot be generated afresh."""
    if history.has_lives or len({stretch.run for stretch in history.stretches}) > 2:
        return False
    scores = np.concatenate([stretch.scores for stretch in history.stretches])
    third = len(scores) // 3
    drift = np.abs(scores[:third].mean(0) - scores[-third:].mean(0))
    return bool((drift > _DRIFT).mean() >= _DRIFTING_SHARE)


def _write_sets(
    ctx: JobContext,
    source: _Source,
    cascade: Cascade,
    condition: Condition,
    options: AugmentOptions,
    disclosures: list[str],
) -> list[SetRecord]:
    """Writes the three files and returns what was counted on the way."""
    columns, history, codec = source.columns, source.history, source.model.codec
    borrows = bool(history.untold) or ("rul" in columns and not history.has_lives)
    lender = Lender.of(source.model, history.columns, ctx.seed) if borrows else None
    maker = SetMaker(history, cascade, codec, source.profile, columns, condition, lender, ctx.seed)
    output = ctx.output("sets", "augmented")
    schema = _schema(source)
    units = {sensor.name: sensor.unit for sensor in source.profile.columns if sensor.name in columns and sensor.unit}
    if "rul" in columns and source.profile.rul_unit:
        units["rul"] = source.profile.rul_unit
    derived = {*source.model.seed_derived, *history.untold} | ({"rul"} if not history.has_lives else set())
    metadata = {name: {"seed_derived": "true"} for name in columns if name in derived}
    records, done = [], 0
    for name, rows in set_sizes(options.rows).items():
        record = SetRecord(name)
        with output.open_table(f"{name}.parquet", schema, units=units, column_metadata=metadata) as writer:
            wanted = round(options.mix_real * rows) if name == "train" else 0
            if wanted:
                real, maker.begin_s = real_runs(
                    source.table, wanted, columns, history, codec, source.profile, condition, lender, ctx.seed
                )
                if real.height < wanted:
                    disclosures.append(f"Only {real.height} usable real rows could be mixed in, not {wanted}.")
                if real.height:
                    writer.write(real)
                    record.add(real, source.profile)
            for batch in maker.rows_of(name, rows - record.rows) if rows > record.rows else ():
                ctx.stop_if_cancelled()
                writer.write(batch)
                record.add(batch, source.profile)
                done += batch.height
                ctx.progress("generate", done, options.rows, f"{name}: {record.rows:,} rows in {record.runs} runs")
        records.append(record)
    if maker.clipped:
        disclosures.append(f"{maker.clipped} generated values beyond a sensor's physical limits were put on the limit.")
    return records


def _schema(source: _Source) -> pa.Schema:
    kinds: dict[str, pa.DataType] = {c.name: {"text": pa.string(), "flag": pa.bool_()}.get(c.dtype, pa.float64())
                                     for c in source.model.codec.columns}  # fmt: skip
    fields: list[tuple[str, Any]] = [("run_id", pa.string()), ("timestamp", pa.timestamp("us", tz="UTC"))]
    return pa.schema(fields + [(name, kinds[name]) for name in source.columns])
