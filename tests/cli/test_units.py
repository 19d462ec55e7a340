"""The small pure parts of the command line."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from clients.cli import options, output, suggest
from clients.cli.main import main
from clients.cli.narration import duration, event_document
from clients.cli.plans import confirmed
from clients.cli.runs import reached
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.scratch import machine_id_of
from clients.sdk.workflow import events
from sensorforge.common.v1 import job_pb2
from sensorforge.machines.v1 import machines_pb2
from sensorforge.mapping.v1 import mapping_service_pb2


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("90", 90), ("90s", 90), ("20m", 1200), ("2h", 7200), ("1.5m", 90)]
)
def test_lengths_of_time_are_read(text: str, seconds: float | None) -> None:
    assert options.seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "0", "1d", "m"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(SensorForgeClientError):
        options.seconds(text)


def test_map_options_name_sensor_unit_or_role() -> None:
    assert options.column_choices(["a=b=temp_C:°F", "x = current_A", "junk=ignore"]) == (
        ColumnChoice("a=b", "sensor", "temp_C", "°F"),
        ColumnChoice("x", "sensor", "current_A"),
        ColumnChoice("junk", "ignore"),
    )


def test_events_are_numbered_lines_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output.EventLines()
    for event in (
        events.StepStarted("map", "Map"),
        events.EpochEvent("refine", job_pb2.Epoch(epoch=1, train_loss=float("nan"), validation_loss=0.5)),
        events.NeedsReview("map", (events.Question("TT", "t", 0.5, "why", ("a",)),)),
    ):
        lines.write(*event_document(event))
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["number"] for document in documents] == [1, 2, 3]
    assert [document["event"] for document in documents] == ["step_started", "epoch", "needs_review"]
    assert documents[1]["epoch"]["train_loss"] is None
    assert documents[1]["epoch"]["validation_loss"] == 0.5
    assert documents[2]["questions"][0]["column"] == "TT"
    assert all(document["schema_version"] == 1 for document in documents)


def test_suggestions_have_the_shape_that_scripts_depend_on() -> None:
    answer = mapping_service_pb2.SuggestMappingsResponse(
        suggestions=[
            mapping_service_pb2.Suggestion(
                column="TT_1",
                role="sensor",
                tier=mapping_service_pb2.TIER_AUTO,
                sensor="temp_C",
                confidence=0.9,
                reasons=["name"],
                alternatives=[mapping_service_pb2.Alternative(sensor="other", confidence=0.2)],
            ),
            mapping_service_pb2.Suggestion(column="x", role="auxiliary", tier=mapping_service_pb2.TIER_NONE),
        ],
        unmapped_sensors=["p"],
        profile_fit=0.5,
        warnings=["w"],
    )
    assert suggest.suggestion_document(answer) == {
        "columns": [
            {
                "column": "TT_1", "role": "sensor", "tier": "auto", "sensor": "temp_C", "confidence": 0.9,
                "reasons": ["name"], "alternatives": [{"sensor": "other", "confidence": 0.2}],
            },
            {
                "column": "x", "role": "auxiliary", "tier": "none", "sensor": None, "confidence": 0.0,
                "reasons": [], "alternatives": [],
            },
        ],
        "unmapped_sensors": ["p"],
        "profile_fit": 0.5,
        "warnings": ["w"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "content", ['["a"]', '[{"name": "a"}]', '{"columns": [{"column": "a", "unit": "bar", "quantiles": [1, 2]}]}']
)
def test_column_lists_are_read_in_their_forms(tmp_path: Any, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    assert [hint.name for hint in suggest.read_columns(tmp_path / "c.json")] == ["a"]


@pytest.mark.parametrize("content", ["{", "{}", "[]", "3", '[{"unit": "bar"}]', '[{"name": "a", "quantiles": ["x"]}]'])
def test_what_is_no_column_list_is_refused(tmp_path: Any, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(SensorForgeClientError) as caught:
        suggest.read_columns(tmp_path / "c.json")
    assert caught.value.exit_code == 2


def test_a_run_has_reached_its_furthest_step() -> None:
    decision = machines_pb2.Decision
    run = machines_pb2.Run(
        decisions=[decision(step="plan"), decision(step="map", artifact="a"), decision(step="refine", job="j")]
    )
    assert reached(run) == "map"
    assert reached(machines_pb2.Run()) == "new"


def test_a_plan_written_from_a_run_leaves_nothing_to_suggestions() -> None:
    columns = [{"column": "t", "role": "timestamp", "sensor": "", "unit": ""}]
    plan = confirmed(Plan(timestamp_column="t", epochs=3), columns)
    assert plan == Plan(epochs=3, mapping=(ColumnChoice("t", "timestamp"),))


@pytest.mark.parametrize(
    ("name", "machine"), [("Pump 7 (new).csv", "pump-7-new"), ("äöü.csv", "my-machine"), ("x" * 99 + ".csv", "x" * 63)]
)
def test_a_machine_id_is_made_of_the_file_name(tmp_path: Any, name: str, machine: str) -> None:
    assert machine_id_of(tmp_path / name) == machine


def test_tables_show_missing_values_and_brackets_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(output, "data", output.Console(file=text, width=80))
    output.table(("column", "value"), [("Flow [m3/h]", None), ("x", 0.123456)])
    assert "Flow [m3/h]" in text.getvalue()
    assert "–" in text.getvalue()
    assert "0.1235" in text.getvalue()


def test_durations_are_words() -> None:
    assert [duration(s) for s in (5, 200, 7200)] == ["5 s", "3 min", "2.0 h"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--bogus", "--json"), "--bogus"),
        (("convert", "--to", "xls", "--json"), "xls"),
        (("nix", "--json"), "nix"),
        (("models", "--json"), "--json"),
    ],
)
def test_a_wrong_command_line_is_told_to_programs_too(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sensorforge", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert (document["error"]["reason"], document["exit_code"]) == ("COMMAND_LINE", 2)
    assert said in document["error"]["message"]
    assert said in told.err
