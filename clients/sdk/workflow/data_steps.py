"""Steps 1 to 4: from files to cleaned, split rows of sensors. Each function is one step: it derives specs from the plan
and earlier outputs, has the jobs carried out and says in one line what came of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import CleaningChoice, LifeChoices, ReadChoices, SplitChoices, ValidationChoices
from clients.sdk.upload import LocalFile, read_digest
from clients.sdk.workflow.columns import ColumnDecisions, decide_columns, review_error
from clients.sdk.workflow.events import Finding, NeedsReview, StepProgress
from clients.sdk.workflow.steps import StepName
from clients.sdk.workflow.work import StepResult, Work
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

_MUCH_DROPPED = 0.2  # share of the rows above which a cleaning is worth a second look


def parse_options(read: ReadChoices) -> ingest_service_pb2.ParseOptions:
    """Returns the choices as the service's options; what is not chosen stays unset and is detected."""
    given = {
        item.name: value
        for item in dataclasses.fields(read)
        if (value := getattr(read, item.name)) is not None and value != item.default
    }
    return ingest_service_pb2.ParseOptions(**given)


def thresholds(choices: ValidationChoices) -> ingest_service_pb2.ValidationThresholds:
    """Returns the limits of validation."""
    return ingest_service_pb2.ValidationThresholds(**dataclasses.asdict(choices))


def recipe(choices: Sequence[CleaningChoice]) -> list[ingest_service_pb2.CleaningStep]:
    """Returns the steps of a cleaning recipe."""
    return [
        ingest_service_pb2.CleaningStep(
            kind=choice.kind,
            columns=choice.columns,
            max_gap=choice.max_gap,
            sigma=choice.sigma,
            enabled=choice.enabled,
        )
        for choice in choices
    ]


def life_options(choices: LifeChoices) -> mapping_service_pb2.RulOptions:
    """Returns how remaining useful life is added."""
    options = mapping_service_pb2.RulOptions(mode=choices.mode, cap=choices.cap)
    if choices.runs_end_in_failure is not None:
        options.runs_end_in_failure = choices.runs_end_in_failure
    return options


def split_options(choices: SplitChoices) -> mapping_service_pb2.SplitOptions:
    """Returns how real rows are split."""
    return mapping_service_pb2.SplitOptions(by=choices.by, train=choices.train, val=choices.val)


async def upload(work: Work) -> StepResult:
    """Sends the files and reads them into one table."""
    if not work.files:
        return await _reread(work)
    sources = []
    outputs: dict[str, str] = {}
    for number, file in enumerate(work.files):
        name, existed = await _send(work, file)
        work.all_reused = work.all_reused and existed
        sources.append(name)
        outputs[f"source-{number}"] = name
    outputs["parsed"] = await _parse(work, "upload", sources)
    digests = {file.sha256: name for file, name in zip(work.files, sources, strict=True)}
    words = await _parsed_words(work, outputs["parsed"])
    return StepResult(words, outputs, outputs["parsed"], notes={"digests": digests})


async def _reread(work: Work) -> StepResult:
    work.need("source-0", "upload")
    outputs = {role: name for role, name in work.outputs.items() if role.startswith("source-")}
    sources = [outputs[f"source-{number}"] for number in range(len(outputs))]
    outputs["parsed"] = await _parse(work, "upload", sources)
    known = (work.journal.latest("upload") or _NOTHING).draft.get("digests", {})
    words = await _parsed_words(work, outputs["parsed"])
    return StepResult(words, outputs, outputs["parsed"], notes={"digests": known})


async def _send(work: Work, file: LocalFile) -> tuple[str, bool]:
    known = (work.journal.latest("upload") or _NOTHING).draft.get("digests", {})
    name = known.get(file.sha256, "") if isinstance(known, dict) else ""
    if name:
        try:
            return (await work.manifest(name)).name, True
        except SensorForgeClientError as error:
            if error.kind != "NOT_FOUND":
                raise

    def progress(sent: int, size: int) -> None:
        work.tell(StepProgress("upload", f"uploading {file.path.name}", sent, size))

    uploaded = await work.gateway.upload(work.machine_id, file, on_progress=progress)
    return uploaded.artifact.name, uploaded.existed


async def _parse(work: Work, step: StepName, sources: Sequence[str]) -> str:
    options = parse_options(work.plan.read)
    if work.plan.read.register_map:
        map_file = await read_digest(Path(work.plan.read.register_map))
        options.register_map = (await work.gateway.upload(work.machine_id, map_file)).artifact.name
    spec = ingest_service_pb2.ParseSpec(sources=sources, options=options)
    outputs = await work.perform(step, "ingest", lambda: work.gateway.start_parse(work.machine_id, spec))
    return outputs["table"]


async def _parsed_words(work: Work, parsed: str) -> str:
    manifest = await work.manifest(parsed)
    table = next((file for file in manifest.files if file.name == "table.parquet"), manifest.files[0])
    rejected = await work.rows(parsed, "rejects.parquet")
    columns = sum(1 for column in table.columns if column.name != "source_row")
    return f"{table.rows:,} rows and {columns} columns read, {rejected:,} rows rejected"


async def validate(work: Work) -> StepResult:
    """Checks the table as it is in the file."""
    report = await _check(work, "validate", work.need("parsed", "upload"), "")
    return StepResult(await _report_words(work, "validate", report), {"file_report": report}, report)


async def _check(work: Work, step: StepName, table: str, profile: str) -> str:
    spec = ingest_service_pb2.ValidationSpec(table=table, profile=profile, thresholds=thresholds(work.plan.validation))
    outputs = await work.perform(step, "ingest", lambda: work.gateway.start_validation(work.machine_id, spec))
    return outputs["report"]


async def _report_words(work: Work, step: StepName, report: str) -> str:
    document = await work.gateway.read_json(report, "validation.json")
    errors = [finding_text(item) for item in document.get("errors", [])]
    warnings = [finding_text(item) for item in document.get("warnings", [])]
    for text in warnings:
        work.tell(Finding(step, "warning", "VALIDATION", text))
    if not document.get("validation_passed", not errors):
        reason = _reason(document.get("errors", []))
        aligned = step == "map" and bool(work.plan.align.rows) and reason == "ROWS_TOO_FEW"
        name = document.get("file_name") or "the file"
        what = f"The mapped rows of {name}" if step == "map" else name.replace("the file", "The file")
        raise SensorForgeClientError(
            reason,
            f"{what} did not pass validation. " + " ".join(errors),
            kind="INPUT",
            remedy=_TOO_FEW_ALIGNED if aligned else "Correct the file or its export and run the same command again.",
            metadata={"report": report},
        )
    counted = f"{len(warnings)} warning{'' if len(warnings) == 1 else 's'}"
    return f"passed with {counted}" if warnings else "passed"


_TOO_FEW_ALIGNED = (
    "Aligning keeps one row for each value of a sensor: align to a faster one, or not at all, or lower "
    "validation.min_rows in a plan."
)


def finding_text(item: Any) -> str:
    """Returns a validation finding as one sentence, whether it is text or a record with a message."""
    if isinstance(item, Mapping):
        return str(item.get("message") or item.get("text") or item)
    return str(item)


def _reason(errors: Sequence[Any]) -> str:
    for item in errors:
        if isinstance(item, Mapping) and (code := item.get("code") or item.get("check")):
            return str(code).upper()
    return "VALIDATION_FAILED"


async def map_columns(work: Work) -> StepResult:
    """Maps columns to sensors, joins the rows of other runs that the plan names, and checks the rows against the
    profile."""
    parsed = work.need("parsed", "upload")
    own, decided, proposal = await _map_table(work, parsed)
    mapped, joined = await _joined(work, own)
    count = len(decided.sensors)
    report = await _check(work, "map", mapped, work.machine.profile)
    checked = await _report_words(work, "map", report)
    total = sum(1 for sensor in work.machine.sensors if sensor.role != "nameplate")
    source = " from the saved template" if proposal.template else ""
    mapped_here = f"{count} of {total} sensors mapped{source}"
    words = f"{mapped_here}{' in its own rows' if joined else ''}{joined}; profile checks {checked}"
    columns = [
        {"column": column.column, "role": column.role, "sensor": column.sensor, "unit": column.source_unit}
        for column in decided.columns
    ]
    made = {"mapped": mapped, "profile_report": report}
    notes: dict[str, Any] = {"columns": columns}
    if mapped != own:
        notes["own_rows"] = own
    return StepResult(words, made, mapped, notes=notes)


async def _joined(work: Work, own: str) -> tuple[str, str]:
    """Returns the table of own rows with those of the plan's other tables, and what that came to in words."""
    mapped, words = own, ""
    for other in work.plan.join.tables:
        spec = mapping_service_pb2.JoinSpec(
            table=mapped,
            other=other,
            profile=work.machine.profile,
            tolerance_seconds=work.plan.join.tolerance_seconds,
        )
        start = functools.partial(work.gateway.start_join, work.machine_id, spec)
        before, mapped = mapped, (await work.perform("map", "mapping", start))["table"]
        counts = [f"{await work.rows(table):,}" for table in (before, other, mapped)]
        words += "; {} rows joined with {}: {}".format(*counts)
    return mapped, words


async def _map_table(
    work: Work, parsed: str, step: StepName = "map"
) -> tuple[str, ColumnDecisions, mapping_service_pb2.SuggestMappingsResponse]:
    proposal = await work.gateway.suggest_mappings(work.machine_id, table=parsed, profile=work.machine.profile)
    decided = decide_columns(work.machine, proposal, work.plan)
    work.warn(step, decided.findings)
    if decided.questions:
        work.tell(NeedsReview(step, decided.questions))
        raise review_error(decided.questions)
    read = work.plan.read
    time = mapping_service_pb2.TimeOptions(
        format=work.plan.time_format or read.timestamp_format,
        zone=read.time_zone,
        gap_factor=work.plan.validation.gap_factor,
    )
    if read.day_first is not None:
        time.day_first = read.day_first
    spec = mapping_service_pb2.MappingSpec(
        table=parsed,
        profile=work.machine.profile,
        columns=decided.columns,
        time=time,
        align=mapping_service_pb2.AlignOptions(**dataclasses.asdict(work.plan.align)),
    )
    outputs = await work.perform(step, "mapping", lambda: work.gateway.start_mapping(work.machine_id, spec))
    return outputs["table"], decided, proposal


async def map_seed_rows(work: Work, file: LocalFile) -> str:
    """Returns a mapped table of the plant's own seed rows."""
    name, existed = await _send(work, file)
    work.all_reused = work.all_reused and existed
    parsed = await _parse(work, "seed", [name])
    mapped, decided, _ = await _map_table(work, parsed, "seed")
    lacking = [s.name for s in work.machine.sensors if s.role != "nameplate" and s.name not in decided.sensors]
    if lacking:
        text = f"{file.path.name} has no {', no '.join(lacking)}: these stay empty in its seed rows."
        if unused := [c.column for c in decided.columns if not c.sensor and c.role in ("auxiliary", "ignore")]:
            text += f" Not used: {', '.join(unused)}."
        work.tell(Finding("seed", "warning", "SEED_FILE_INCOMPLETE", text))
    return mapped


async def clean(work: Work) -> StepResult:
    """Cleans the mapped rows by the plan's recipe, or by the suggested one."""
    mapped = work.need("mapped", "map")
    spec = ingest_service_pb2.CleaningSpec(
        table=mapped, profile=work.machine.profile, recipe=recipe(work.plan.cleaning)
    )
    outputs = await work.perform("clean", "ingest", lambda: work.gateway.start_cleaning(work.machine_id, spec))
    cleaned = outputs["table"]
    before, after = await work.rows(mapped), await work.rows(cleaned)
    if before and before - after > _MUCH_DROPPED * before:
        share = f"{before - after:,} of {before:,} rows ({(before - after) / before:.0%}) are dropped"
        text = f"{share}: most often they repeat a time that is too coarse to tell them apart. cleaning.json says why."
        work.tell(Finding("clean", "warning", "MANY_ROWS_DROPPED", text))
    ledger = await work.gateway.read_json(cleaned, "cleaning.json")
    cells = cells_changed(ledger)
    return StepResult(f"{before - after:,} rows dropped, {cells:,} cells changed", {"cleaned": cleaned}, cleaned)


def cells_changed(ledger: Any) -> int:
    """Returns the cells that a cleaning changed, from its ledger: the sum over its steps."""
    if not isinstance(ledger, Mapping):
        return 0
    for key in ("cells_changed", "total_cells_changed"):
        if isinstance(ledger.get(key), int):
            return int(ledger[key])
    steps: list[Any] = next(
        (ledger[key] for key in ("effects", "steps", "recipe") if isinstance(ledger.get(key), list)), []
    )
    return sum(int(step.get("cells_changed", 0)) for step in steps if isinstance(step, Mapping))


async def transform(work: Work) -> StepResult:
    """Adds remaining useful life and the split, and refuses a strategy that the rows do not suffice for before anything
    is trained."""
    outputs = await _failure_log(work)
    spec = mapping_service_pb2.TransformSpec(
        table=work.need("cleaned", "clean"),
        profile=work.machine.profile,
        rul=life_options(work.plan.life),
        split=split_options(work.plan.split),
        seed=work.plan.random_seed,
        failure_log=outputs.get("failure_log", ""),
        failure_log_options=mapping_service_pb2.FailureLogOptions(
            run_column=work.plan.life.log_run_column,
            time_column=work.plan.life.log_time_column,
            kind_column=work.plan.life.log_kind_column,
            kinds=work.plan.life.failure_kinds,
        )
        if outputs
        else None,
    )
    made = await work.perform("transform", "mapping", lambda: work.gateway.start_transform(work.machine_id, spec))
    table = made["table"]
    if work.plan.strategy == "replace":
        replacing = mapping_service_pb2.MergeSpec(
            table=table, strategy=mapping_service_pb2.MERGE_STRATEGY_REPLACE, profile=work.machine.profile
        )
        await work.gateway.check_merge(work.machine_id, replacing)
    rows = await work.rows(table, "processed.parquet")
    held_out = await work.rows(table, "holdout.parquet")
    words = f"{rows:,} rows; {held_out:,} held out for the comparison, never trained on"
    account = await work.gateway.read_json(table, "transform.json")
    if source := account.get("rul", {}).get("source", ""):
        words += "; remaining life " + {"none": "unknown", "measured": "as measured"}.get(source, source)
    return StepResult(words, {**outputs, "transformed": table}, table)


async def _failure_log(work: Work) -> dict[str, str]:
    """Returns the parsed table of the plan's failure log by role, nothing without one."""
    path = work.plan.life.failure_log
    if not path:
        return {}
    source = (await work.gateway.upload(work.machine_id, await read_digest(Path(path)))).artifact.name
    spec = ingest_service_pb2.ParseSpec(sources=[source])
    made = await work.perform("transform", "ingest", lambda: work.gateway.start_parse(work.machine_id, spec))
    return {"failure_log": made["table"]}


@dataclasses.dataclass(frozen=True)
class _Nothing:
    draft: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_NOTHING = _Nothing()
