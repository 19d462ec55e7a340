"""Steps 5 to 7: from split rows to a refined model, data sets, a verdict and a default model.

Each function is one step."""

from __future__ import annotations

import dataclasses

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import GateChoices, Plan
from clients.sdk.workflow.data_steps import map_seed_rows
from clients.sdk.workflow.events import Finding
from clients.sdk.workflow.gateway import Gateway
from clients.sdk.workflow.work import StepResult, Work
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2

_STRATEGIES = {
    "replace": mapping_service_pb2.MERGE_STRATEGY_REPLACE,
    "merge": mapping_service_pb2.MERGE_STRATEGY_MERGE,
    "real-only": mapping_service_pb2.MERGE_STRATEGY_REAL_ONLY,
}
FIRST_MODEL = "first model"


def training_options(plan: Plan) -> refine_service_pb2.TrainingOptions:
    """Returns how to train."""
    choices = {name: value for name, value in dataclasses.asdict(plan.training).items() if value is not None}
    return refine_service_pb2.TrainingOptions(epochs=plan.epochs, **choices)


def gate_options(choices: GateChoices) -> compare_service_pb2.GateOptions:
    """Returns the gates' limits."""
    given = {name: value for name, value in dataclasses.asdict(choices).items() if value is not None}
    return compare_service_pb2.GateOptions(**given)


def needs_first_model(work: Work) -> bool:
    """Returns whether the run has to train the model it starts from: it wants the default and there is none."""
    return work.plan.base == "default" and not pinned_base(work)


def pinned_base(work: Work) -> str:
    """Returns the machine's default model as it stood when the run began, "" when there was none."""
    entry = work.journal.latest("plan")
    return str(entry.draft.get("default_model", "")) if entry else ""


async def seed(work: Work) -> StepResult:
    """Makes seed rows, where the strategy or a first model needs them."""
    if work.plan.strategy != "merge" and not needs_first_model(work):
        return StepResult(skipped="neither the strategy nor the base model needs seed rows")
    outputs: dict[str, str] = {}
    source = ""
    if work.seed_file is not None:
        source = await map_seed_rows(work, work.seed_file)
        outputs["seed_source"] = source
    elif work.plan.seed_data:
        source = work.need("seed_source", "seed")
    spec = refine_service_pb2.SeedSpec(
        profile=work.machine.profile, rows=work.plan.seed_rows, seed=work.plan.random_seed, source=source
    )
    made = await work.perform("seed", "refine", lambda: work.gateway.start_seed(work.machine_id, spec))
    outputs["seeds"] = made["rows"]
    rows = await work.rows(made["rows"])
    origin = "from your seed file" if source else "from the machine's physics"
    return StepResult(f"{rows:,} seed rows {origin}", outputs, made["rows"])


async def train(work: Work) -> StepResult:
    """Provides the model that refinement starts from: the pinned default, a named one, or a first one trained here."""
    base = work.plan.base
    if base == "none":
        if original := pinned_base(work):
            return StepResult(
                "training starts from scratch; the default model is only compared with",
                {"original_model": original},
                original,
                reused=True,
            )
        return StepResult(skipped="the model is trained from scratch (--base none)")
    if not needs_first_model(work):
        model = pinned_base(work) if base == "default" else await named_model(work.gateway, work.machine_id, base)
        outputs = {"base_model": model, "original_model": pinned_base(work) or model}
        return StepResult(f"starts from {short(model)}", outputs, model, reused=True)
    spec = refine_service_pb2.TrainingSpec(
        rows=work.need("seeds", "seed"),
        profile=work.machine.profile,
        options=training_options(work.plan),
        seed=work.plan.random_seed,
    )
    made = await work.perform(
        "train", "refine", lambda: work.gateway.start_training(work.machine_id, spec), may_detach=True
    )
    model = made["model"]
    await _make_first_default(work, model)
    facts = await work.gateway.get_model(model)
    words = f"first model {short(model)} trained on seed rows, validation loss {facts.validation_loss:.4g}"
    return StepResult(words, {"base_model": model, "original_model": model}, model)


async def named_model(gateway: Gateway, machine: str, name: str) -> str:
    """Returns the model of a machine that a name, or the start of its hash, means. Raises MODEL_UNKNOWN."""
    if name.startswith("machines/"):
        return (await gateway.get_model(name)).artifact.name
    page = await gateway.list_models(machine, page_size=200)
    found = [model.artifact.name for model in page.models if model.artifact.name.rsplit("/", 1)[-1].startswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(short(model.artifact.name) for model in page.models[:10]) or "none"
    matches = f"{len(found)} models" if found else "no model"
    raise SensorForgeClientError(
        "MODEL_UNKNOWN",
        f"--base {name!r} names {matches} of {machine}; it has {known}.",
        kind="USAGE",
        remedy="Give the start of one model's hash; `sensorforge models list MACHINE` shows them.",
    )


async def _make_first_default(work: Work, model: str, comparison: str = "") -> bool:
    standing = await work.gateway.get_default_model(work.machine_id)
    if standing.current.version > 0:
        return False
    try:
        await work.gateway.activate_model(
            work.machine_id, model, expected_version=0, comparison=comparison, reason=FIRST_MODEL
        )
    except SensorForgeClientError as error:
        if error.kind != "CONFLICT":
            raise
        return False  # another run of this machine was first; this run goes on with its own base model
    return True


async def merge(work: Work) -> StepResult:
    """Chooses the rows to train on."""
    strategy = work.plan.strategy or "real-only"
    spec = mapping_service_pb2.MergeSpec(
        table=work.need("transformed", "transform"),
        seed_rows=work.need("seeds", "seed") if strategy == "merge" else "",
        strategy=_STRATEGIES[strategy],
        balance_rul=work.plan.balance_rul,
        seed=work.plan.random_seed,
        profile=work.machine.profile,
    )
    outputs = await work.perform("merge", "mapping", lambda: work.gateway.start_merge(work.machine_id, spec))
    rows = outputs["rows"]
    train_rows, val_rows = await work.rows(rows, "train.parquet"), await work.rows(rows, "val.parquet")
    words = f"{strategy}: {train_rows:,} rows to train on, {val_rows:,} to choose by"
    return StepResult(words, {"merged": rows}, rows)


async def refine(work: Work) -> StepResult:
    """Refines the base model on the merged rows, or trains on them alone."""
    if work.plan.base != "none":
        work.need("base_model", "train")
    spec = refine_service_pb2.RefinementSpec(
        rows=work.need("merged", "merge"),
        base_model=work.outputs.get("base_model", ""),
        profile=work.machine.profile,
        options=training_options(work.plan),
        seed=work.plan.random_seed,
    )
    made = await work.perform(
        "refine", "refine", lambda: work.gateway.start_refinement(work.machine_id, spec), may_detach=True
    )
    model = made["model"]
    facts = await work.gateway.get_model(model)
    return StepResult(f"model {short(model)} {how_it_came(facts)}", {"refined_model": model}, model)


def how_it_came(model: refine_service_pb2.Model) -> str:
    """Returns what a refinement ended with, in words: one of its candidates, or the base where none beat it."""
    if model.origin == "scratch":
        return "trained from scratch on the real rows"
    kept = model.origin == "refined" and model.metrics.get("epochs") == 0
    return "is the base with its ranges fitted to the real rows: no training beat it" if kept else "refined"


async def augment(work: Work) -> StepResult:
    """Generates the ordered data sets, and independent rows of the original and the refined model to compare."""
    model = work.need("refined_model", "refine")
    original = work.outputs.get("original_model", "")
    seed_number = work.plan.random_seed
    sets = refine_service_pb2.AugmentationSpec(
        model=model,
        rows=work.plan.rows,
        seed=seed_number,
        where=work.plan.where,
        table=work.need("transformed", "transform"),
        mix_real=work.plan.mix_real,
        oversample=work.plan.oversample,
        share=work.plan.share,
        profile=work.machine.profile,
    )
    # All three are started before the first is waited for: they do not depend on each other.
    refined_rows = await work.gateway.start_sampling(
        work.machine_id, refine_service_pb2.SamplingSpec(model=model, seed=seed_number)
    )
    original_rows = None
    if original:
        original_rows = await work.gateway.start_sampling(
            work.machine_id, refine_service_pb2.SamplingSpec(model=original, seed=seed_number)
        )
    started = await work.gateway.start_augmentation(work.machine_id, sets)
    outputs = {"refined_rows": (await work.follow("augment", "refine", refined_rows))["rows"]}
    if original_rows is not None:
        outputs["original_rows"] = (await work.follow("augment", "refine", original_rows))["rows"]
    made = (await work.follow("augment", "refine", started))["sets"]
    outputs["sets"] = made
    counts = [await work.rows(made, f"{name}.parquet") for name in ("train", "val", "test")]
    return StepResult("{:,} / {:,} / {:,} rows to train, validate and test with".format(*counts), outputs, made)


async def compare(work: Work) -> StepResult:
    """Measures both models' rows against the held-out real rows."""
    spec = compare_service_pb2.ComparisonSpec(
        table=work.need("transformed", "transform"),
        seed_synthetic=work.outputs.get("original_rows", ""),
        refined_synthetic=work.need("refined_rows", "augment"),
        original_model=work.outputs.get("original_model", ""),
        refined_model=work.need("refined_model", "refine"),
        profile=work.machine.profile,
        gates=gate_options(work.plan.gates),
        seed=work.plan.random_seed,
        augmented=work.need("sets", "augment"),
        every_sensor=work.plan.every_sensor,
    )
    made = await work.perform("compare", "compare", lambda: work.gateway.start_comparison(work.machine_id, spec))
    report = made["report"]
    found = await work.gateway.get_comparison(report)
    return StepResult(found.verdict or recommendation_word(found), {"report": report}, report)


def recommendation_word(found: compare_service_pb2.GetComparisonResponse) -> str:
    """Returns the recommendation in words."""
    name = compare_service_pb2.Recommendation.Name(found.recommendation)
    return name.removeprefix("RECOMMENDATION_").replace("_", " ").lower()


def gates_met(found: compare_service_pb2.GetComparisonResponse) -> bool:
    """Returns whether the refined model may become the default: it is recommended and no gate failed."""
    failed = any(gate.outcome == compare_service_pb2.GATE_OUTCOME_FAIL for gate in found.gates)
    return found.recommendation == compare_service_pb2.RECOMMENDATION_USE_REFINED and not failed


async def activate(work: Work) -> StepResult:
    """Makes the refined model the default where the plan says so and the gates are met, and a machine's first model
    in any case."""
    model = work.need("refined_model", "refine")
    report = work.outputs.get("report", "")
    entry = work.journal.latest("activate")
    if entry is not None and entry.artifact == model:
        return StepResult(f"{short(model)} was made the default by this run", {"active": model}, model, reused=True)
    if await _make_first_default(work, model, report):
        return StepResult(f"{short(model)} is the default: it is the machine's first model", {"active": model}, model)
    if not work.plan.activate_if_pass:
        return StepResult(
            skipped=f"`sensorforge activate {short(work.journal.run.name)}` makes {short(model)} the default"
        )
    return await activate_now(work, model, report, if_pass=True)


async def activate_now(work: Work, model: str, report: str, *, if_pass: bool = False) -> StepResult:
    """Makes a model the default; with `if_pass` only where its comparison meets the gates."""
    if if_pass:
        found = await work.gateway.get_comparison(work.need("report", "compare"))
        if not gates_met(found):
            work.tell(Finding("activate", "warning", "GATE_NOT_MET", found.verdict))
            return StepResult(skipped="a quality gate is not met, so the default model stays")
    standing = await work.gateway.get_default_model(work.machine_id)
    if standing.current.model == model:
        return StepResult(f"{short(model)} is the default already", {"active": model}, model, reused=True)
    switched = await work.gateway.activate_model(
        work.machine_id, model, expected_version=standing.current.version, comparison=report
    )
    before = short(switched.previous.model) if switched.previous.model else "none"
    return StepResult(
        f"{short(model)} is the default now (version {switched.current.version}; before: {before})",
        {"active": model},
        model,
    )


def short(name: str) -> str:
    """Returns the first twelve characters of an artifact's hash."""
    return name.rsplit("/", 1)[-1][:12]
