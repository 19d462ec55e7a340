"""Decides what each column of a file becomes, from the service's suggestions and the plan. Pure.

What the plan says counts first. Then, with `confident`, whatever the service is sure of; with `exact`, only columns
named as a sensor is named or is also called. A doubtful match is never taken: for a required sensor it becomes a
question, for any other a finding, and the column travels along as auxiliary data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.workflow.events import Finding, Question
from sensorforge.machines.v1 import machines_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

_SENSOR_ROLES = frozenset({"sensor", "setpoint", "state"})
_ONE_COLUMN_ROLES = frozenset({"timestamp", "run", "rul"})
_AUTO = mapping_service_pb2.TIER_AUTO
_NONE = mapping_service_pb2.TIER_NONE


@dataclass(frozen=True)
class ColumnDecisions:
    """The mapping, what is worth knowing, and what a person has to answer first (empty: nothing)."""

    columns: tuple[mapping_service_pb2.ColumnMapping, ...]
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]

    @property
    def sensors(self) -> tuple[str, ...]:
        """Returns the mapped sensors in column order."""
        return tuple(column.sensor for column in self.columns if column.sensor)


def decide_columns(
    machine: machines_pb2.Machine, proposal: mapping_service_pb2.SuggestMappingsResponse, plan: Plan
) -> ColumnDecisions:
    """Returns what every column becomes.

    Raises SensorForgeClientError COLUMN_UNKNOWN or SENSOR_UNKNOWN when the plan names what is not there.
    """
    chosen = _chosen(plan)
    names = [suggestion.column for suggestion in proposal.suggestions]
    sensors = {sensor.name: sensor for sensor in machine.sensors if sensor.role != "nameplate"}
    _check_names(chosen.values(), names, sensors)
    taken = {choice.sensor for choice in chosen.values() if choice.sensor}
    taken_roles = {str(choice.role) for choice in chosen.values()} & _ONE_COLUMN_ROLES
    time_columns = _time_columns(proposal, chosen)
    columns: list[mapping_service_pb2.ColumnMapping] = []
    findings: list[Finding] = []
    questions: list[Question] = []
    for suggestion in proposal.suggestions:
        choice = chosen.get(suggestion.column)
        if choice is not None:
            columns.append(_explicit(choice))
            continue
        role = _accepted_role(suggestion, sensors, taken, taken_roles, plan, exact_template=bool(proposal.template))
        if suggestion.column in time_columns:
            role = "timestamp"
        if role in _SENSOR_ROLES:
            taken.add(suggestion.sensor)
            columns.append(
                mapping_service_pb2.ColumnMapping(
                    column=suggestion.column,
                    role="state" if role == "state" else "sensor",
                    sensor=suggestion.sensor,
                    source_unit=suggestion.source_unit if suggestion.unit_basis in ("declared", "inferred") else "",
                )
            )
            continue
        if role in _ONE_COLUMN_ROLES:
            taken_roles.add(role)
        columns.append(mapping_service_pb2.ColumnMapping(column=suggestion.column, role=role))
        if role == "auxiliary" and (suggestion.sensor or suggestion.role in _ONE_COLUMN_ROLES):
            _doubt(suggestion, sensors, taken, taken_roles, findings, questions)
    mapped = {column.sensor for column in columns if column.sensor}
    asked = {question.sensor for question in questions}
    for name, sensor in sensors.items():
        if sensor.required and name not in mapped and name not in asked:
            questions.append(Question("", name, 0.0, "the profile requires it and no column looks like it"))
    questions = [question for question in questions if question.sensor not in mapped]
    if not mapped and not questions:
        questions.append(Question("", "", 0.0, "no column matches a sensor of the profile with confidence"))
    findings += [Finding("map", "warning", "MAPPING", sentence) for sentence in proposal.warnings]
    findings.sort(key=lambda finding: finding.code == "MATCH_DOUBTFUL")  # time, runs and life matter more
    return ColumnDecisions(tuple(columns), tuple(findings), tuple(questions))


def review_error(questions: Sequence[Question]) -> SensorForgeClientError:
    """Returns the error of a mapping that a person has to look at first."""
    parts = []
    for question in questions:
        if not question.column:
            parts.append(f"{question.sensor}: {question.why}" if question.sensor else question.why)
            continue
        others = f" (or {', '.join(question.alternatives)})" if question.alternatives else ""
        parts.append(
            f"column {question.column!r} may be {question.sensor}{others}, "
            f"{question.confidence:.0%} sure: {question.why}"
        )
    example = next((q for q in questions if q.column and q.sensor), None)
    say = f"--map '{example.column}={example.sensor}'" if example else "--map 'COLUMN=SENSOR'"
    return SensorForgeClientError(
        "MAPPING_NEEDS_REVIEW",
        "The mapping needs a decision. " + "; ".join(parts) + ".",
        kind="REVIEW",
        remedy=f"Say what is right with {say}, or under `mapping:` in a plan, or decide in the TUI (`sensorforge`).",
        metadata={"questions": str(len(questions))},
    )


def _chosen(plan: Plan) -> dict[str, ColumnChoice]:
    chosen = {choice.column: choice for choice in plan.mapping}
    for column, role in (
        (plan.timestamp_column, "timestamp"),
        (plan.rul_column, "rul"),
        (plan.run_column, "run"),
    ):
        if column:
            chosen[column] = ColumnChoice(column, role)  # type: ignore[arg-type]  # three of the literal's words
    return chosen


def _check_names(
    choices: Collection[ColumnChoice], names: Sequence[str], sensors: dict[str, machines_pb2.Sensor]
) -> None:
    for choice in choices:
        if choice.column not in names:
            raise SensorForgeClientError(
                "COLUMN_UNKNOWN",
                f"The file has no column {choice.column!r}; it has {', '.join(map(repr, names[:40]))}.",
                kind="USAGE",
                remedy="Name a column as it is written in the file.",
            )
        if choice.role in ("sensor", "state") and choice.sensor not in sensors:
            raise SensorForgeClientError(
                "SENSOR_UNKNOWN",
                f"Column {choice.column!r} is mapped to {choice.sensor!r}, which the profile does not have; "
                f"it has {', '.join(sensors)}.",
                kind="USAGE",
                remedy="Name a sensor of the profile, or add this one to it.",
            )


def _time_columns(
    proposal: mapping_service_pb2.SuggestMappingsResponse, chosen: Mapping[str, ColumnChoice]
) -> Collection[str]:
    """Returns the columns that are time together: a date and a time of day, which the service proposes as a pair. A
    person who names another time column than these gets that one alone."""
    sure = [item.column for item in proposal.suggestions if item.role == "timestamp" and item.tier == _AUTO]
    said = {column for column, choice in chosen.items() if choice.role == "timestamp"}
    return sure if len(sure) == 2 and said <= set(sure) else ()


def _explicit(choice: ColumnChoice) -> mapping_service_pb2.ColumnMapping:
    return mapping_service_pb2.ColumnMapping(
        column=choice.column, role=choice.role, sensor=choice.sensor, source_unit=choice.unit
    )


def _accepted_role(
    suggestion: mapping_service_pb2.Suggestion,
    sensors: dict[str, machines_pb2.Sensor],
    taken: set[str],
    taken_roles: set[str],
    plan: Plan,
    *,
    exact_template: bool,
) -> str:
    sure = suggestion.tier == _AUTO
    if suggestion.role in _ONE_COLUMN_ROLES:
        return suggestion.role if sure and suggestion.role not in taken_roles else "auxiliary"
    if suggestion.role == "label":
        return "label"
    if suggestion.role == "index":
        return "ignore"
    if suggestion.role in _SENSOR_ROLES and suggestion.sensor in sensors and suggestion.sensor not in taken:
        if plan.auto_map == "exact" and not exact_template:
            sure = sure and _same_name(suggestion.column, sensors[suggestion.sensor])
        if sure and suggestion.unit_basis != "refused":
            return suggestion.role
    return "auxiliary"


def _same_name(column: str, sensor: machines_pb2.Sensor) -> bool:
    def plain(name: str) -> str:
        return "".join(character for character in name.casefold() if character.isalnum())

    return plain(column) in {plain(name) for name in (sensor.name, *sensor.aliases)}


def _doubt(
    suggestion: mapping_service_pb2.Suggestion,
    sensors: dict[str, machines_pb2.Sensor],
    taken: set[str],
    taken_roles: set[str],
    findings: list[Finding],
    questions: list[Question],
) -> None:
    why = "; ".join(suggestion.reasons) or suggestion.abstain_reason or "the name alone does not tell"
    if suggestion.role in _ONE_COLUMN_ROLES:
        if suggestion.role not in taken_roles:
            text = (
                f"column {suggestion.column!r} may be the {suggestion.role} column ({why}); it is kept as auxiliary "
                f"data. --{suggestion.role}-column says so."
            )
            findings.append(Finding("map", "warning", "ROLE_DOUBTFUL", text))
        return
    if suggestion.sensor in taken or suggestion.sensor not in sensors or suggestion.tier == _NONE:
        return
    if sensors[suggestion.sensor].required:
        alternatives = tuple(other.sensor for other in suggestion.alternatives if other.sensor != suggestion.sensor)
        questions.append(Question(suggestion.column, suggestion.sensor, suggestion.confidence, why, alternatives))
        return
    text = (
        f"column {suggestion.column!r} may be {suggestion.sensor} ({suggestion.confidence:.0%} sure: {why}); it is "
        f"kept as auxiliary data. --map '{suggestion.column}={suggestion.sensor}' takes it."
    )
    findings.append(Finding("map", "warning", "MATCH_DOUBTFUL", text))
