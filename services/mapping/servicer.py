"""MappingService: messages in, domain values and jobs out, nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from sensorforge.mapping.v1 import mapping_service_pb2 as pb
from sensorforge.mapping.v1 import mapping_service_pb2_grpc as service_grpc
from services.artifacts.derivation import Derivation
from services.chassis.errors import SensorForgeError
from services.jobs.stage import StageContext
from services.machines.profile import MachineProfile, parse_profile
from services.machines.registry import Machines
from services.machines.units import table_version
from services.mapping.alignment import NOT_ALIGNED, AlignOptions
from services.mapping.columns import ColumnInfo, describe_columns
from services.mapping.lexicon import Lexicon
from services.mapping.memory import MappingMemory, Template
from services.mapping.merge import check_rows
from services.mapping.plan import ROLES, ColumnRule
from services.mapping.revisions import REVISIONS
from services.mapping.suggest import Proposal, Suggestion, suggest
from services.mapping.timeaxis import TimeOptions

Context = grpc.aio.ServicerContext[Any, Any]

_TIERS = {"auto": pb.TIER_AUTO, "review": pb.TIER_REVIEW, "none": pb.TIER_NONE}
_STRATEGIES = {
    pb.MERGE_STRATEGY_REPLACE: "replace",
    pb.MERGE_STRATEGY_MERGE: "merge",
    pb.MERGE_STRATEGY_REAL_ONLY: "real-only",
}
_MOST_COLUMNS = 5000


class MappingServicer(service_grpc.MappingServiceServicer):
    """Serves stage 2 on one store."""

    def __init__(self, ctx: StageContext, lexicon: Lexicon) -> None:
        self._ctx = ctx
        self._machines = Machines(ctx.store, ctx.catalog)
        self._memory = MappingMemory(ctx.store)
        self._lexicon = lexicon

    async def SuggestMappings(  # noqa: N802
        self, request: pb.SuggestMappingsRequest, context: Context
    ) -> pb.SuggestMappingsResponse:
        return await asyncio.to_thread(self._suggest, request)

    def _suggest(self, request: pb.SuggestMappingsRequest) -> pb.SuggestMappingsResponse:
        if bool(request.table) == bool(request.columns):
            raise SensorForgeError("INVALID_REQUEST", "Give either `table` or `columns`.")
        if len(request.columns) > _MOST_COLUMNS:
            raise SensorForgeError(
                "INVALID_REQUEST", f"columns has {len(request.columns)} items; at most {_MOST_COLUMNS}."
            )
        profile = self._profile_of(request)
        columns = self._columns_of(request)
        proposal = suggest(columns, profile, self._lexicon)
        machine = request.machine or ""
        template = self._memory.find(machine, [column.name for column in columns]) if machine else None
        return _proposal_message(proposal, template, profile)

    def _profile_of(self, request: pb.SuggestMappingsRequest) -> MachineProfile:
        if request.profile_document:
            return parse_profile(request.profile_document, "profile")[0]
        if request.profile:
            return self._machines.profile(request.profile)
        if not request.machine:
            raise SensorForgeError("INVALID_REQUEST", "Give `machine`, `profile` or `profile_document`.")
        return self._machines.get(request.machine).profile

    def _columns_of(self, request: pb.SuggestMappingsRequest) -> list[ColumnInfo]:
        if request.columns:
            return [
                ColumnInfo(hint.name, hint.unit, tuple(hint.samples), tuple(hint.quantiles)) for hint in request.columns
            ]
        manifest = self._ctx.catalog.get(request.table)
        table = self._ctx.catalog.read_table(request.table, "table.parquet")
        units = {column.name: column.unit for column in manifest.file("table.parquet").columns if column.unit}
        return describe_columns(table, units)

    async def StartMapping(self, request: pb.StartMappingRequest, context: Context) -> pb.StartMappingResponse:  # noqa: N802
        spec = request.spec
        inputs = await self._inputs(request.machine, table=spec.table, profile=spec.profile)
        template = await asyncio.to_thread(self._template_for, request.machine, spec.table)
        params: dict[str, Any] = {
            "columns": [asdict(_rule(column)) for column in spec.columns],
            "time": asdict(_time_options(spec.time, template.time if template else TimeOptions())),
            "unit_table": table_version(),
        }
        align = _align_options(spec.align, template.align if template else NOT_ALIGNED)
        if align.rows:
            params["align"] = asdict(align)
        job, reused = await self._start(
            "mapping.apply", request.machine, inputs, params, 0, request.request_id, context
        )
        return pb.StartMappingResponse(job=job, reused=reused)

    def _template_for(self, machine: str, table: str) -> Template | None:
        """Returns what was confirmed for a table with exactly these columns."""
        columns = self._ctx.catalog.get(table).file("table.parquet").columns
        return self._memory.find(machine, [column.name for column in columns])

    async def StartJoin(self, request: pb.StartJoinRequest, context: Context) -> pb.StartJoinResponse:  # noqa: N802
        spec = request.spec
        if not spec.other:
            raise SensorForgeError("INVALID_REQUEST", "spec.other is empty: name the second mapped table.")
        inputs = await self._inputs(request.machine, table=spec.table, profile=spec.profile, other=spec.other)
        params = {"tolerance_s": spec.tolerance_seconds}
        job, reused = await self._start("mapping.join", request.machine, inputs, params, 0, request.request_id, context)
        return pb.StartJoinResponse(job=job, reused=reused)

    async def StartTransform(self, request: pb.StartTransformRequest, context: Context) -> pb.StartTransformResponse:  # noqa: N802
        spec = request.spec
        rul, split = spec.rul, spec.split
        ends = rul.runs_end_in_failure if rul.HasField("runs_end_in_failure") else None
        if (rul.mode or "auto") not in ("auto", "keep", "recompute", "none"):
            raise SensorForgeError("INVALID_REQUEST", f"rul.mode is {rul.mode!r}; use auto, keep, recompute or none.")
        if (split.by or "auto") not in ("auto", "run", "block"):
            raise SensorForgeError("INVALID_REQUEST", f"split.by is {split.by!r}; use auto, run or block.")
        params: dict[str, Any] = {
            "rul": {"mode": rul.mode or "auto", "cap": rul.cap, "runs_end_in_failure": ends},
            "split": {"train": split.train or 0.70, "val": split.val or 0.15, "by": split.by or "auto"},
        }
        if spec.failure_log:
            params["failure_log"] = _failure_log_params(spec.failure_log_options)
        inputs = await self._inputs(request.machine, table=spec.table, profile=spec.profile, failures=spec.failure_log)
        job, reused = await self._start(
            "mapping.transform", request.machine, inputs, params, spec.seed, request.request_id, context
        )
        return pb.StartTransformResponse(job=job, reused=reused)

    async def StartMerge(self, request: pb.StartMergeRequest, context: Context) -> pb.StartMergeResponse:  # noqa: N802
        spec = request.spec
        if spec.strategy not in _STRATEGIES:
            raise SensorForgeError("INVALID_REQUEST", "strategy must be replace, merge or real-only.")
        strategy = _STRATEGIES[spec.strategy]
        if strategy == "merge" and not spec.seed_rows and not request.validate_only:
            raise SensorForgeError("MERGE_NEEDS_SEED", "The strategy merge needs seed_rows.")
        await asyncio.to_thread(self._refuse_too_few, spec.table, strategy)
        if request.validate_only:
            return pb.StartMergeResponse()
        seed_rows = spec.seed_rows if strategy == "merge" else ""
        inputs = await self._inputs(request.machine, table=spec.table, profile=spec.profile, seed=seed_rows)
        params = {"strategy": strategy, "balance_rul": spec.balance_rul}
        job, reused = await self._start(
            "mapping.merge", request.machine, inputs, params, spec.seed, request.request_id, context
        )
        return pb.StartMergeResponse(job=job, reused=reused)

    def _refuse_too_few(self, table: str, strategy: str) -> None:
        """Raises MERGE_TOO_FEW_ROWS from the figures of the split, so that nobody trains first and is refused then."""
        if not any(file.name == "transform.json" for file in self._ctx.catalog.get(table).files):
            return  # not a transformed table: the job says so
        rows = self._ctx.catalog.read_json(table, "transform.json")["split"]["rows"]
        check_rows(strategy, int(rows["train"]), int(rows["val"]))

    async def ListTemplates(self, request: pb.ListTemplatesRequest, context: Context) -> pb.ListTemplatesResponse:  # noqa: N802
        templates = await asyncio.to_thread(self._memory.list, request.machine)
        return pb.ListTemplatesResponse(templates=[_template_message(template) for template in templates])

    async def SaveTemplate(self, request: pb.SaveTemplateRequest, context: Context) -> pb.SaveTemplateResponse:  # noqa: N802
        rules = tuple(_rule(column) for column in request.columns)
        template = await asyncio.to_thread(
            self._memory.save, request.machine, rules, _time_options(request.time), _align_options(request.align)
        )
        return pb.SaveTemplateResponse(template=_template_message(template))

    async def DeleteTemplate(self, request: pb.DeleteTemplateRequest, context: Context) -> pb.DeleteTemplateResponse:  # noqa: N802
        await asyncio.to_thread(self._memory.delete, request.name)
        return pb.DeleteTemplateResponse()

    async def _inputs(self, machine: str, *, profile: str, **named: str) -> dict[str, str]:
        """Returns the inputs by role with the profile resolved; every artifact exists and is of this machine."""
        if not machine:
            raise SensorForgeError("INVALID_REQUEST", "machine is empty.")
        if not profile:
            profile = (await asyncio.to_thread(self._machines.get, machine)).artifact
        inputs = {role: name for role, name in {**named, "profile": profile}.items() if name or role == "table"}
        for role, name in inputs.items():
            if not name.startswith(f"machines/{machine}/"):
                raise SensorForgeError("INVALID_REQUEST", f"{role} {name!r} is no artifact of machine {machine!r}.")
            await asyncio.to_thread(self._ctx.catalog.get, name)
        return inputs

    async def _start(
        self,
        operation: str,
        machine: str,
        inputs: dict[str, str],
        params: dict[str, Any],
        seed: int,
        request_id: str,
        context: Context,
    ) -> tuple[Any, bool]:
        derivation = Derivation(machine, operation, REVISIONS[operation], inputs, params, seed)
        return await self._ctx.start(derivation, context, request_id)


def _rule(column: pb.ColumnMapping) -> ColumnRule:
    if column.role not in ROLES:
        raise SensorForgeError(
            "MAPPING_ROLE_UNKNOWN", f"Column {column.column!r} has the unknown role {column.role!r}."
        )
    return ColumnRule(column.column, column.role, column.sensor, column.source_unit)  # type: ignore[arg-type]


def _failure_log_params(options: pb.FailureLogOptions) -> dict[str, Any]:
    return {
        "run_column": options.run_column,
        "time_column": options.time_column,
        "kind_column": options.kind_column,
        "kinds": list(options.kinds),
        "time": asdict(_time_options(options.time)),
    }


def _time_options(time: pb.TimeOptions, remembered: TimeOptions | None = None) -> TimeOptions:
    """Returns how to read time; what the message leaves open is as remembered."""
    known = remembered or TimeOptions()
    day_first = time.day_first if time.HasField("day_first") else known.day_first
    return TimeOptions(
        time.format or known.format, day_first, time.zone or known.zone, time.gap_factor or known.gap_factor
    )


def _align_options(align: pb.AlignOptions, remembered: AlignOptions = NOT_ALIGNED) -> AlignOptions:
    """Returns how to align; `none` is said, nothing is as remembered."""
    if align.rows == "none":
        return NOT_ALIGNED
    return AlignOptions(align.rows, align.tolerance_seconds) if align.rows else remembered


def _proposal_message(
    proposal: Proposal, template: Template | None, profile: MachineProfile
) -> pb.SuggestMappingsResponse:
    suggestions = [_suggestion_message(suggestion) for suggestion in proposal.suggestions]
    unmapped = list(proposal.unmapped_sensors)
    if template is not None:
        _apply_template(suggestions, template, {sensor.name for sensor in profile.columns})
        taken = {suggestion.sensor for suggestion in suggestions}
        unmapped = [sensor.name for sensor in profile.columns if sensor.name not in taken]
    return pb.SuggestMappingsResponse(
        suggestions=suggestions,
        unmapped_sensors=unmapped,
        profile_fit=proposal.profile_fit,
        warnings=proposal.warnings,
        template=template.name if template is not None else "",
        time=_time_message(template.time) if template is not None else None,
        align=_align_message(template.align) if template is not None else None,
    )


def _apply_template(suggestions: list[pb.Suggestion], template: Template, sensors: set[str]) -> None:
    """Puts what was confirmed before in place of what the scorer proposes: memory has the first word.

    A rule for a sensor that the profile no longer has is left out.
    """
    rules = {rule.column.strip(): rule for rule in template.rules if not rule.sensor or rule.sensor in sensors}
    for suggestion in suggestions:
        rule = rules.get(suggestion.column.strip())
        if rule is None:
            continue
        suggestion.role = rule.role
        suggestion.sensor = rule.sensor
        suggestion.tier = pb.TIER_AUTO if rule.sensor or rule.role != "ignore" else pb.TIER_NONE
        suggestion.confidence = 1.0
        del suggestion.reasons[:]
        suggestion.reasons.append("confirmed before for a file with the same columns")
        suggestion.abstain_reason = "" if rule.sensor or rule.role != "ignore" else "ignored before"
        if rule.source_unit:
            suggestion.source_unit = rule.source_unit
            suggestion.unit_basis = "declared"


def _suggestion_message(suggestion: Suggestion) -> pb.Suggestion:
    return pb.Suggestion(
        column=suggestion.column,
        role=suggestion.role,
        tier=_TIERS[suggestion.tier],
        sensor=suggestion.sensor,
        confidence=suggestion.confidence,
        reasons=suggestion.reasons,
        alternatives=[pb.Alternative(sensor=name, confidence=score) for name, score in suggestion.alternatives],
        source_unit=suggestion.source_unit,
        target_unit=suggestion.target_unit,
        unit_basis=suggestion.unit_basis,
        unit_example=suggestion.unit_example,
        abstain_reason=suggestion.abstain_reason,
    )


def _template_message(template: Template) -> pb.Template:
    updated = Timestamp()
    updated.FromJsonString(template.updated)
    return pb.Template(
        name=template.name,
        columns=[
            pb.ColumnMapping(column=rule.column, role=rule.role, sensor=rule.sensor, source_unit=rule.source_unit)
            for rule in template.rules
        ],
        time=_time_message(template.time),
        update_time=updated,
        align=_align_message(template.align),
    )


def _time_message(time: TimeOptions) -> pb.TimeOptions:
    options = pb.TimeOptions(format=time.format, zone=time.zone, gap_factor=time.gap_factor)
    if time.day_first is not None:
        options.day_first = time.day_first
    return options


def _align_message(align: AlignOptions) -> pb.AlignOptions:
    return pb.AlignOptions(rows=align.rows, tolerance_seconds=align.tolerance_s)
