"""Only what is certain is mapped; what a run cannot do without and is doubtful becomes a question."""

from __future__ import annotations

from typing import Any

import pytest

from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.workflow.columns import ColumnDecisions, decide_columns, review_error
from sensorforge.machines.v1 import machines_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

REVIEW, NONE = mapping_service_pb2.TIER_REVIEW, mapping_service_pb2.TIER_NONE
MACHINE = machines_pb2.Machine(
    machine_id="pump",
    sensors=[
        machines_pb2.Sensor(name="bearing_temp_C", unit="°C", required=True, role="measurement"),
        machines_pb2.Sensor(name="current_A", unit="A", aliases=["Strom"], role="measurement"),
        machines_pb2.Sensor(name="rated_power_kW", role="nameplate", required=True),
    ],
)


def decide(*suggestions: Any, template: str = "", **plan: Any) -> ColumnDecisions:
    proposal = mapping_service_pb2.SuggestMappingsResponse(suggestions=suggestions, template=template)
    return decide_columns(MACHINE, proposal, Plan(**plan))


def roles(decided: ColumnDecisions) -> dict[str, str]:
    return {column.column: column.sensor or column.role for column in decided.columns}


def test_confident_matches_are_taken_and_the_rest_travels_along(suggestion: Any) -> None:
    decided = decide(
        suggestion("t", "timestamp"),
        suggestion("TT_1", "sensor", "bearing_temp_C"),
        suggestion("Unnamed: 0", "index"),
        suggestion("remark", "auxiliary", tier=NONE),
    )
    assert roles(decided) == {"t": "timestamp", "TT_1": "bearing_temp_C", "Unnamed: 0": "ignore", "remark": "auxiliary"}
    assert decided.questions == ()


def test_a_doubtful_required_sensor_is_a_question_with_exit_code_6(suggestion: Any) -> None:
    decided = decide(
        suggestion("TT_1", "sensor", "bearing_temp_C", REVIEW, confidence=0.6, reasons=["two temperatures"])
    )
    (question,) = decided.questions
    assert (question.column, question.sensor) == ("TT_1", "bearing_temp_C")
    error = review_error(decided.questions)
    assert error.exit_code == ExitCode.NEEDS_REVIEW
    assert "'TT_1'" in error.message
    assert "two temperatures" in error.message
    assert "--map 'TT_1=bearing_temp_C'" in error.remedy


def test_a_doubtful_optional_sensor_is_a_finding_and_not_mapped(suggestion: Any) -> None:
    decided = decide(suggestion("TT_1", "sensor", "bearing_temp_C"), suggestion("I", "sensor", "current_A", REVIEW))
    assert roles(decided)["I"] == "auxiliary"
    assert [finding.code for finding in decided.findings] == ["MATCH_DOUBTFUL"]
    assert decided.questions == ()


def test_a_required_sensor_without_any_column_is_a_question(suggestion: Any) -> None:
    decided = decide(suggestion("I", "sensor", "current_A"))
    assert [(q.column, q.sensor) for q in decided.questions] == [("", "bearing_temp_C")]


def test_nameplate_constants_are_never_required(suggestion: Any) -> None:
    decided = decide(suggestion("TT_1", "sensor", "bearing_temp_C"))
    assert decided.questions == ()


def test_what_the_plan_says_counts_more_than_any_suggestion(suggestion: Any) -> None:
    decided = decide(
        suggestion("TT_1", "sensor", "current_A"),
        suggestion("TT_2", "sensor", "bearing_temp_C"),
        mapping=(ColumnChoice("TT_1", "sensor", "bearing_temp_C", "°F"), ColumnChoice("TT_2", "ignore")),
    )
    assert roles(decided) == {"TT_1": "bearing_temp_C", "TT_2": "ignore"}
    assert decided.columns[0].source_unit == "°F"


def test_one_sensor_is_never_given_to_two_columns(suggestion: Any) -> None:
    decided = decide(
        suggestion("TT_1", "sensor", "bearing_temp_C"),
        suggestion("TT_2", "sensor", "bearing_temp_C"),
        mapping=(ColumnChoice("TT_2", "sensor", "bearing_temp_C"),),
    )
    assert decided.sensors == ("bearing_temp_C",)
    assert roles(decided)["TT_1"] == "auxiliary"


def test_a_named_time_column_takes_the_role_from_the_suggested_one(suggestion: Any) -> None:
    decided = decide(
        suggestion("logged", "timestamp"),
        suggestion("measured", "timestamp", tier=REVIEW),
        suggestion("TT_1", "sensor", "bearing_temp_C"),
        timestamp_column="measured",
    )
    assert roles(decided)["logged"] == "auxiliary"
    assert roles(decided)["measured"] == "timestamp"
    assert decided.findings == ()


def test_a_doubtful_time_column_is_not_taken_and_said(suggestion: Any) -> None:
    decided = decide(suggestion("c", "timestamp", tier=REVIEW), suggestion("TT_1", "sensor", "bearing_temp_C"))
    assert roles(decided)["c"] == "auxiliary"
    assert "--timestamp-column" in decided.findings[0].message


def test_exact_takes_names_and_aliases_only(suggestion: Any) -> None:
    decided = decide(
        suggestion("Bearing Temp C", "sensor", "bearing_temp_C"),
        suggestion("STROM", "sensor", "current_A"),
        auto_map="exact",
    )
    assert decided.sensors == ("bearing_temp_C", "current_A")
    decided = decide(suggestion("TT_1", "sensor", "bearing_temp_C"), auto_map="exact")
    assert [question.column for question in decided.questions] == ["TT_1"]


def test_a_saved_template_counts_as_exact(suggestion: Any) -> None:
    decided = decide(
        suggestion("TT_1", "sensor", "bearing_temp_C"), template="machines/pump/templates/1", auto_map="exact"
    )
    assert decided.sensors == ("bearing_temp_C",)


def test_a_refused_unit_is_never_converted_silently(suggestion: Any) -> None:
    decided = decide(suggestion("TT_1", "sensor", "bearing_temp_C", unit_basis="refused", source_unit="bar"))
    assert [question.column for question in decided.questions] == ["TT_1"]


def test_nothing_that_matches_at_all_is_a_question(suggestion: Any) -> None:
    machine = machines_pb2.Machine(sensors=[machines_pb2.Sensor(name="x", role="measurement")])
    proposal = mapping_service_pb2.SuggestMappingsResponse(suggestions=[suggestion("a", "auxiliary", tier=NONE)])
    assert decide_columns(machine, proposal, Plan()).questions


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (ColumnChoice("nowhere", "ignore"), "COLUMN_UNKNOWN"),
        (ColumnChoice("TT_1", "sensor", "rated_power_kW"), "SENSOR_UNKNOWN"),
        (ColumnChoice("TT_1", "sensor", "pressure"), "SENSOR_UNKNOWN"),
    ],
)
def test_a_choice_about_what_is_not_there_is_a_usage_error(suggestion: Any, choice: ColumnChoice, reason: str) -> None:
    with pytest.raises(SensorForgeClientError) as caught:
        decide(suggestion("TT_1", "sensor", "bearing_temp_C"), mapping=(choice,))
    assert caught.value.reason == reason
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("said", ["", "Date"])
def test_a_date_and_a_time_of_day_are_time_together(suggestion: Any, said: str) -> None:
    pair = (suggestion("Date", "timestamp"), suggestion("Time", "timestamp"))
    decided = decide(*pair, suggestion("TT_1", "sensor", "bearing_temp_C"), timestamp_column=said)
    assert roles(decided) == {"Date": "timestamp", "Time": "timestamp", "TT_1": "bearing_temp_C"}
    assert decided.findings == ()


def test_a_time_column_that_a_person_names_is_the_only_one(suggestion: Any) -> None:
    pair = (suggestion("Date", "timestamp"), suggestion("Time", "timestamp"), suggestion("Logged", "auxiliary"))
    decided = decide(*pair, suggestion("TT_1", "sensor", "bearing_temp_C"), timestamp_column="Logged")
    assert [name for name, role in roles(decided).items() if role == "timestamp"] == ["Logged"]
