"""The operation refine.augment: a refined model and real training rows in; train, val, test and a quality report out.

How the refined model is respected: its codec gives margins, limits, resolution and states; its engine kind is that of
the cascade's residual; columns that only its seed knows are borrowed from its own joint. What it cannot know, the
movement in time, is learnt here from the training rows (docs/physics.md, "Augmentation").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from services.chassis.errors import SensorForgeError
from services.jobs.operation import JobContext
from services.machines.profile import MachineProfile
from services.refine.augmentation import errors as errors
from services.refine.augmentation.borrowed import Lender
from services.refine.augmentation.cascade import Cascade
from services.refine.augmentation.fitting import fit_generator
from services.refine.augmentation.history import History, read_history
from services.refine.augmentation.options import AugmentOptions, read_options, set_sizes
from services.refine.augmentation.quality import SetRecord, quality_report
from services.refine.augmentation.quality_text import quality_text
from services.refine.augmentation.real_rows import real_runs
from services.refine.augmentation.sets import SetMaker
from services.refine.augmentation.where import Condition, parse_condition
from services.refine.model import Model

FEWEST_LIVES = 5


@dataclass(frozen=True)
class _Source:
    """The inputs, loaded. `history` keeps validation rows apart, to choose by; `whole` counts them among its training
    rows, to fit on and generate from."""

    model: Model
    profile: MachineProfile
    table: pl.DataFrame
    history: History
    whole: History

    @property
    def columns(self) -> tuple[str, ...]:
        """Sensors in profile order, then others of the model, then RUL where there is one."""
        known = set(self.model.sensors)
        ordered = [sensor.name for sensor in self.profile.columns if sensor.name in known]
        ordered += [name for name in self.model.sensors if name not in ordered and name != "rul"]
        return (*ordered, "rul") if "rul" in known else tuple(ordered)


def run(ctx: JobContext) -> None:
    """Writes output "sets" (kind augmented): train.parquet, val.parquet, test.parquet, quality.json, quality.txt.

    Raises SensorForgeError: AUGMENT_*, WHERE_*, MODEL_FILE_INVALID.
    """
    options = read_options(ctx.params)
    source = _load(ctx, options)
    condition, rare = _condition(options.where, source), _condition(options.oversample, source)
    disclosures = _disclosures(source, options)

    def fitted(phase: str, done: int, total: int) -> None:
        ctx.stop_if_cancelled()
        ctx.progress(phase, done, total)

    codec, kind = source.model.codec, source.model.engine.kind
    fit = fit_generator(source.history, codec, kind, whole=source.whole, seed=ctx.seed, progress=fitted)
    cascade = fit.cascade
    if fit.resampled:
        disclosures.append(
            "The training rows are one drifting record; its slow path is resampled from the record itself, so these "
            "sets show its noise afresh but no drift that was not seen."
        )
        ctx.warning("AUGMENT_SLOW_PATH_RESAMPLED", disclosures[-1])
    if cascade.mixing:
        disclosures.append(
            f"{100 * cascade.mixing:.0f} % of the variance of each run's slow path comes from a real training life; "
            "the nearest-run gate was passed before anything was written."
        )
    records = _write_sets(ctx, source, cascade, (condition, rare), options, disclosures)
    independent = source.model.sample(min(10_000, 2 * source.history.rows), seed=ctx.seed)
    report = quality_report(
        records,
        source.history,
        source.whole,
        cascade,
        source.model.codec,
        independent=independent,
        conditional=condition.keeps is not None or rare.keeps is not None,
        disclosures=disclosures,
    )
    report["settings"] = fit.to_json()
    report |= {"schema_version": 1, "machine_id": ctx.machine, "where": condition.text, "mix_real": options.mix_real}
    report |= {"oversample": rare.text, "share": options.share}
    for gate, verdict in report["gates"].items():
        if verdict == "failed":
            ctx.warning("AUGMENT_GATE_FAILED", f"The augmented sets fail the gate {gate!r}; see quality.json.")
    output = ctx.output("sets", "augmented")
    output.json("quality.json", report)
    output.bytes("quality.txt", quality_text(report).encode(), "text/plain; charset=utf-8")


def _load(ctx: JobContext, options: AugmentOptions) -> _Source:
    if "table" not in ctx.inputs:
        raise SensorForgeError(
            "AUGMENT_TABLE_MISSING", "No transformed table was given, so nothing says how the machine moves in time."
        )
    ctx.progress("read history")
    model = Model.from_files(ctx.json("model", "model.json"), ctx.file("model", "weights.safetensors").read_bytes())
    profile = MachineProfile.from_json(ctx.json("profile"))
    table = ctx.table("table", "processed.parquet")
    history, whole = (
        read_history(table, model.codec, profile, lives=options.lives, with_validation=all_known)
        for all_known in (False, True)
    )
    return _Source(model, profile, table, history, whole if whole.columns == history.columns else history)


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
    if source.whole.has_lives:
        possible["rul"] = (
            0.0,
            max(source.whole.most_rul, float(source.whole.lengths[-1]) * source.whole.rul_step),
        )
    else:
        possible["rul"] = (0.0, np.inf if source.profile.rul_max is None else source.profile.rul_max)
    for name, (low, high) in condition.bounds.items():
        least, most = possible.get(name, (-np.inf, np.inf))
        if low > high or low > most or high < least:
            raise SensorForgeError(
                "WHERE_UNSATISFIED",
                f"No row can meet {condition.text!r}: {name} would have to be {_range(low, high)}, "
                f"and it lies between {least:g} and {most:g}.",
            )
    return condition


def _range(low: float, high: float) -> str:
    if low <= high < np.inf and low > -np.inf:
        return f"between {low:g} and {high:g}"
    ends = [f"at least {low:g}"] if low > -np.inf else []
    return " and ".join([*ends, f"at most {high:g}"] if high < np.inf else ends)


def _disclosures(source: _Source, options: AugmentOptions) -> list[str]:
    history, told = source.whole, []
    runs = len({stretch.run for stretch in history.stretches})
    if history.has_lives and len(history.lives) < FEWEST_LIVES:
        told.append(f"Only {len(history.lives)} lives were seen; lifetimes vary no more than theirs do.")
    if history.has_lives and history.sparse:
        told.append(
            "Lives were seen through recording windows; synthetic ones have the same windows, stretched a little."
        )
    if not history.has_lives:
        told.append(f"No lives are known: continuous series, after {runs} real run(s) of {history.rows} rows.")
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
        told.append(
            "Discrete states follow each other by a semi-Markov model of the training runs: transitions that were "
            "seen, dwell times from each state's distribution."
        )
    if history.regimes is not None:
        told.append(
            f"{', '.join(history.regimes.names)} are set to few values: {len(history.regimes.combinations)} operating "
            "regimes, which follow each other as states do."
        )
    if history.holds is not None:
        held = [history.columns[column] for group in history.holds.groups for column in group]
        told.append(
            f"{', '.join(held)}: read seldom and repeated in between, in real rows as in these; how long a reading "
            "stands follows the training runs."
        )
    if not history.timed:
        told.append(f"The real rows have no clock; timestamps are {history.cadence_s:g} s apart by assumption.")
    if source.whole is not source.history and source.history.validation:
        told.append(
            "Settings were chosen on validation rows; then the generator was fitted on training and validation rows "
            "together. Test rows (holdout.parquet) had no part in it."
        )
    if options.mix_real:
        told.append("train.parquet contains real training rows (run_id real-*) on the synthetic time line.")
    return told


def _write_sets(
    ctx: JobContext,
    source: _Source,
    cascade: Cascade,
    conditions: tuple[Condition, Condition],
    options: AugmentOptions,
    disclosures: list[str],
) -> list[SetRecord]:
    """Writes the three files and returns what was counted on the way. `conditions` are that of every row and that of
    the oversampled ones."""
    condition, rare = conditions
    columns, history, codec = source.columns, source.whole, source.model.codec
    borrows = bool(history.untold) or ("rul" in columns and not history.has_lives)
    lender = Lender.of(source.model, history.columns, ctx.seed) if borrows else None
    maker = SetMaker(history, cascade, codec, source.profile, columns, condition, lender, ctx.seed, rare, options.share)
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
    if rare.keeps is not None:
        disclosures.append(
            f"{maker.met:,} of {sum(record.rows for record in records):,} rows meet {rare.text!r}; at least "
            f"{options.share:.0%} of each set were asked for. These are not the machine's own proportions."
        )
    if maker.clipped:
        disclosures.append(f"{maker.clipped} generated values beyond a sensor's physical limits were put on the limit.")
    return records


def _schema(source: _Source) -> pa.Schema:
    kinds: dict[str, pa.DataType] = {c.name: {"text": pa.string(), "flag": pa.bool_()}.get(c.dtype, pa.float64())
                                     for c in source.model.codec.columns}  # fmt: skip
    fields: list[tuple[str, Any]] = [("run_id", pa.string()), ("timestamp", pa.timestamp("us", tz="UTC"))]
    return pa.schema(fields + [(name, kinds[name]) for name in source.columns])
