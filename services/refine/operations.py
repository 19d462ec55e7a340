"""The stage's jobs: inputs in, domain functions called, outputs written. Runs in worker processes only."""

from __future__ import annotations

from typing import Any, Protocol

import polars as pl
import torch

from services.artifacts.parquet import read_units
from services.jobs.operation import JobContext, Operation
from services.machines.profile import MachineProfile
from services.refine.candidates import Candidate
from services.refine.columns import modelled_columns
from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining
from services.refine.refinement import Refinement
from services.refine.revisions import REVISIONS
from services.refine.training import EpochResult

MODEL_FILE, WEIGHTS_FILE, TRAINING_FILE = "model.json", "weights.safetensors", "training.json"
EPOCHS_A_MEASUREMENT = 10  # between two looks at the quality so far, each some 30 ms
BOOKKEEPING = ("run_id", "timestamp")


def seed(ctx: JobContext) -> None:
    """Makes seed rows by physics, or takes the plant's own."""
    profile = _profile(ctx)
    ctx.progress("making seed rows")
    if "source" in ctx.inputs:
        table = ctx.table("source")
        known = [sensor.name for sensor in profile.columns]
        wanted = [*BOOKKEEPING, *known, "rul"]
        rows = table.select([name for name in wanted if name in table.columns]).head(int(ctx.params["rows"]))
        origin: dict[str, Any] = {"origin": "source", "source": ctx.inputs["source"]}
        if imported_from := ctx.params.get("imported_from"):
            origin |= {"origin": "imported", "imported_from": imported_from}
    else:
        # Imported here: physics is the only part that needs it, and every training would pay for it.
        from services.refine.seeds.generate import generate_seed_rows

        rows = generate_seed_rows(profile, int(ctx.params["rows"]), ctx.seed)
        origin = {"origin": "physics"}
    ctx.stop_if_cancelled()
    ctx.progress("writing", rows.height, rows.height)
    out = ctx.output("rows", "seeds")
    out.table("seed.parquet", rows, units=_units(profile, rows))
    out.json("seed.json", origin | {"machine_id": ctx.machine, "rows": rows.height, "seed": ctx.seed, **_summary(rows)})


def train(ctx: JobContext) -> None:
    """Trains a model from scratch on seed rows."""
    profile = _profile(ctx)
    ctx.progress("fitting the codec")
    rows = ctx.table("rows")
    training = OriginalTraining(
        ctx.machine,
        rows,
        profile=profile,
        options=TrainingOptions.from_json(ctx.params["options"]),
        seed=ctx.seed,
        data=ctx.last_checkpoint(),
    )
    _run(ctx, training)
    ctx.progress("judging")
    model, report = training.result()
    _write_model(ctx, model, report, _units(profile, rows))


def refine(ctx: JobContext) -> None:
    """Refines the base model on merged rows, or trains on them alone."""
    profile = _profile(ctx)
    ctx.progress("fitting the codec")
    files = {file.name for file in ctx.manifest("rows").files}
    rows = ctx.table("rows", "train.parquet")
    validation = ctx.table("rows", "val.parquet") if "val.parquet" in files else None
    base, curve = None, []
    if "base" in ctx.inputs:
        base = read_model(ctx, "base")
        curve = _curve_of(ctx.json("base", TRAINING_FILE))
    refinement = Refinement(
        ctx.machine,
        rows,
        validation,
        profile=profile,
        base=base,
        base_name=ctx.inputs.get("base", ""),
        options=TrainingOptions.from_json(ctx.params["options"]),
        choose_strategy=bool(ctx.params.get("choose_strategy", False)),
        seed=ctx.seed,
        data=ctx.last_checkpoint(),
    )
    warned = len(refinement.notices)
    for notice in refinement.notices:
        ctx.warning(notice.code, notice.message)
    _run(ctx, refinement)
    ctx.progress("choosing between candidates")
    model, report = refinement.result(curve)
    for notice in refinement.notices[warned:]:
        ctx.warning(notice.code, notice.message)
    units = _units(profile, rows) | read_units(ctx.file("rows", "train.parquet"))
    _write_model(ctx, model, report, {**(base.units if base else {}), **units})


def sample(ctx: JobContext) -> None:
    """Samples independent rows."""
    torch.set_num_threads(1)
    model = read_model(ctx, "model")
    rows = int(ctx.params["rows"])
    ctx.progress("sampling", 0, rows)
    table = model.sample(rows, seed=ctx.seed)
    ctx.stop_if_cancelled()
    ctx.progress("writing", rows, rows)
    out = ctx.output("rows", "augmented")
    metadata = {name: {"seed_derived": "true"} for name in model.seed_derived}
    out.table("synthetic.parquet", table, units=_units_of(model, table), column_metadata=metadata)


def augment(ctx: JobContext) -> None:
    """Generates ordered data sets; see services.refine.augmentation."""
    from services.refine.augmentation.operation import run

    run(ctx)


OPERATIONS = (
    Operation("refine.seed", REVISIONS["refine.seed"], seed),
    Operation("refine.train", REVISIONS["refine.train"], train),
    Operation("refine.refine", REVISIONS["refine.refine"], refine),
    Operation("refine.sample", REVISIONS["refine.sample"], sample),
    Operation("refine.augment", REVISIONS["refine.augment"], augment),
)


def read_model(ctx: JobContext, role: str) -> Model:
    """Returns the model of an input. Raises MODEL_FILE_INVALID when its files are not one."""
    return Model.from_files(ctx.json(role, MODEL_FILE), ctx.file(role, WEIGHTS_FILE).read_bytes())


class _Trains(Protocol):
    """What `train` and `refine` drive."""

    def epochs(self) -> Any:
        """Yields (candidate, epoch result)."""

    def quality_so_far(self, candidate: Candidate) -> float | None:
        """Returns the improvement over the base in percent, where there is one."""

    def stop(self) -> None:
        """Ends at the best epoch so far."""

    def state(self) -> bytes:
        """Returns a checkpoint."""


def _run(ctx: JobContext, training: _Trains) -> None:
    """Trains to the end, to a cancellation or to this worker's end, reporting every epoch."""
    begun = False
    for candidate, result in training.epochs():
        begun = True
        if candidate.judged is not None:
            _report_hold_out(ctx, candidate, result)
            if ctx.cancel_requested() == "keep":
                return
            ctx.stop_if_cancelled()
            continue
        measured = result.epoch == 1 or result.epoch % EPOCHS_A_MEASUREMENT == 0
        _report(ctx, candidate, result, training.quality_so_far(candidate) if measured else None)
        if ctx.checkpoint_due():
            ctx.checkpoint(training.state())
        mode = ctx.cancel_requested()
        if mode == "discard":
            ctx.stop_if_cancelled()
        if mode == "keep":
            training.stop()
            return
    if not begun:
        ctx.stop_if_cancelled()


def _report_hold_out(ctx: JobContext, candidate: Candidate, result: EpochResult) -> None:
    """Tells that a candidate is trained again to be judged. No epoch event: its curve is not the model's."""
    held = 0 if candidate.judged is None else len(candidate.judged)
    ctx.progress(f"judging on held-out rows: {candidate.name}", result.epoch, result.epochs, f"{held} rows held out")


def _report(ctx: JobContext, candidate: Candidate, result: EpochResult, quality: float | None) -> None:
    spent = [epoch.seconds for epoch in candidate.curve[-10:]]
    left = (result.epochs - result.epoch) * sum(spent) / len(spent)
    ctx.epoch(
        {
            "epoch": result.epoch,
            "epochs": result.epochs,
            "train_loss": result.train_loss,
            "validation_loss": result.validation_loss,
            "best_validation_loss": result.best_validation_loss,
            "learning_rate": result.learning_rate,
            "seconds": result.seconds,
            "eta_seconds": left,
            "series": candidate.series,
            "patience_left": result.patience_left,
            **({} if quality is None else {"quality_improvement": quality}),
        }
    )
    ctx.progress(
        f"training: {candidate.name}",
        result.epoch,
        result.epochs,
        f"validation loss {result.validation_loss:.4f}, best {result.best_validation_loss:.4f}",
        left,
    )


def _write_model(ctx: JobContext, model: Model, report: dict[str, Any], units: dict[str, str]) -> None:
    ctx.progress("writing")
    document, weights = model.to_files()
    out = ctx.output("model", "models")
    out.json(MODEL_FILE, document | {"units": {k: v for k, v in units.items() if k in model.sensors}})
    out.bytes(WEIGHTS_FILE, weights, "application/octet-stream")
    out.json(TRAINING_FILE, report)


def _profile(ctx: JobContext) -> MachineProfile:
    return MachineProfile.from_json(ctx.json("profile"))


def _curve_of(report: Any) -> list[dict[str, Any]]:
    """Returns the curve of the model that a training.json describes."""
    series = {candidate["name"]: candidate["series"] for candidate in report["candidates"]}
    wanted = "original" if report["chosen"] == "seed" else series.get(report["chosen"], "")
    return list(report["curves"].get(wanted, []))


def _units(profile: MachineProfile, table: pl.DataFrame) -> dict[str, str]:
    units = {sensor.name: sensor.unit for sensor in profile.columns if sensor.unit and sensor.name in table.columns}
    return units | ({"rul": profile.rul_unit} if profile.rul_unit and "rul" in table.columns else {})


def _units_of(model: Model, table: pl.DataFrame) -> dict[str, str]:
    return {name: unit for name, unit in model.units.items() if name in table.columns}


def _summary(rows: pl.DataFrame) -> dict[str, Any]:
    """Returns runs and ranges of seed rows."""
    numbers = [name for name in modelled_columns(rows) if rows[name].dtype.is_numeric()]
    return {
        "runs": rows["run_id"].n_unique() if "run_id" in rows.columns else None,
        "ranges": {name: [rows[name].min(), rows[name].max()] for name in numbers},
    }
