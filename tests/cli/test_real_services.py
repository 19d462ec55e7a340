"""The command line against real services: rejected input, single steps, and what they print."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def served(here: Command, services: str) -> Command:
    """Returns a function that runs a command against the real services."""
    return lambda *arguments: here(*arguments, SENSORFORGE_ENDPOINT=services)


def rejected(done: Any) -> str:
    """Returns the one paragraph of input that was rejected."""
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    return line


def test_a_file_of_99_rows_is_rejected_and_told_so(
    served: Command, profile: Path, rows_file: Callable[[int], Path]
) -> None:
    done = served("run", str(rows_file(99)), "--profile", str(profile), "--json")
    assert "99" in rejected(done)
    assert json.loads(done.stdout)["exit_code"] == 5


def test_a_binary_renamed_to_csv_is_rejected(served: Command, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_bytes(bytes(range(256)) * 64)
    assert "history.csv" in rejected(served("run", "history.csv", "--profile", str(profile)))


def test_a_profile_with_an_unknown_unit_is_rejected_with_its_line(
    served: Command, rows_file: Callable[[int], Path], tmp_path: Path
) -> None:
    (tmp_path / "odd.yaml").write_text("machine_id: odd\nsensors:\n  - {name: a, unit: furlongs}\n")
    line = rejected(served("run", str(rows_file(200)), "--profile", "odd.yaml"))
    assert "furlongs" in line
    assert "3" in line


def test_a_dry_run_changes_nothing(served: Command, rows_file: Callable[[int], Path], tmp_path: Path) -> None:
    (tmp_path / "dry.yaml").write_text("machine_id: never-registered\nsensors: [{name: bearing_temp_C}]\n")
    done = served("run", str(rows_file(200)), "--profile", "dry.yaml", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["steps"][0]["step"] == "upload"
    assert "never-registered" not in served("machines", "list").stdout
    assert served("machines", "show", "never-registered").returncode == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (("--base", "nosuch"), "MODEL_UNKNOWN"),
        (("--map", "current_A=bar"), "SENSOR_UNKNOWN"),
        (("--failure-log", "nosuch.csv"), "FILE_UNREADABLE"),
        (("--out", "pump.yaml"), "TARGET_UNWRITABLE"),
    ],
)
def test_a_dry_run_finds_a_wrong_choice_before_any_work(
    wrong: tuple[str, str], reason: str, served: Command, profile: Path, rows_file: Callable[[int], Path]
) -> None:
    done = served("run", str(rows_file(200)), "--profile", str(profile), "--dry-run", *wrong)
    assert done.returncode == 2, done.stderr
    assert f"({reason})" in done.stderr


def test_a_file_name_that_is_no_text_is_said_to_be(served: Command, profile: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"p\xffmp.csv")
    (tmp_path / name).write_text("a,b\n1,2\n")
    for command in (("run", name, "--profile", str(profile)), ("convert", name, "--to", "csv", "--out", "o.csv")):
        done = served(*command)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "(FILE_NAME_UNREADABLE)" in done.stderr


def test_steps_one_by_one_lead_to_split_rows(served: Command, profile: Path, rows_file: Callable[[int], Path]) -> None:
    file = str(rows_file(400))
    opened = served("upload", file, "--profile", str(profile), "--json")
    assert opened.returncode == 0, opened.stderr
    run = json.loads(opened.stdout)["run"]
    for step in ("validate", "map", "clean", "transform", "merge"):
        done = served(step, run, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["steps"][0]["step"] == step
    shown = json.loads(served("runs", run, "--json").stdout)
    assert [step["step"] for step in shown["steps"]] == ["upload", "validate", "map", "clean", "transform", "merge"]
    columns = json.loads(served("columns", run, "--json").stdout)
    assert {"bearing_temp_C", "current_A", "split"} <= {column["name"] for column in columns["columns"]}
    assert json.loads(served("preview", run, "--rows", "7", "--json").stdout)["total_rows"] == 400
    plan = served("plan", "init", run)
    assert "bearing_temp_C" in plan.stdout
    again = served("run", file, "--profile", str(profile), "--until", "transform", "--json")
    document = json.loads(again.stdout)
    assert document["already_done"]
    assert all(step["reused"] for step in document["steps"])


def test_two_logs_of_different_cadence_are_joined_and_stay_joined(served: Command, tmp_path: Path) -> None:
    (tmp_path / "mill.yaml").write_text(
        "machine_id: mill\nsensors:\n  - {name: bearing_temp_C, unit: °C}\n  - {name: current_A, unit: A}\n", "utf-8"
    )
    hours = [f"2025-01-{1 + hour // 24:02}T{hour % 24:02}" for hour in range(120)]
    slow = [f"{hour}:00:00,{60 + row % 7}" for row, hour in enumerate(hours)]
    fast = [
        f"{hour}:{minute:02}:00,{row + minute / 100}" for row, hour in enumerate(hours) for minute in range(0, 60, 5)
    ]
    (tmp_path / "slow.csv").write_text("\n".join(["timestamp,bearing_temp_C", *slow]))
    (tmp_path / "fast.csv").write_text("\n".join(["timestamp,current_A", *fast]))
    command = ("run", "slow.csv", "--profile", "mill.yaml", "--until", "map", "--json")
    first = json.loads(served(*command).stdout)["run"]
    other = json.loads(served("run", "fast.csv", *command[2:]).stdout)["run"]
    refused = served("join", first, first)
    assert refused.returncode == 2, refused.stderr
    done = served("join", first, other, "--json")
    assert done.returncode == 0, done.stderr
    assert "120 rows joined with 1,440: 120" in json.loads(done.stdout)["steps"][0]["consequence"]
    again = json.loads(served(*command).stdout)
    assert again["outputs"]["mapped"] == json.loads(done.stdout)["outputs"]["mapped"]
    shown = json.loads(served("preview", first, "--rows", "3", "--json").stdout)
    current = shown["columns"].index("current_A")
    assert [float(row[current]) for row in shown["rows"]] == [0, 1, 2]
    assert served("join", first).returncode == 0
    alone = json.loads(served(*command).stdout)
    assert alone["outputs"]["mapped"] not in again["outputs"].values()


def test_events_are_gapless_numbered_json_lines(
    served: Command, profile: Path, rows_file: Callable[[int], Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = served("run", str(rows_file(300)), "-p", str(profile), "--until", "map", "--events", "--out", str(out))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0]["event"] == "run_opened"
    assert lines[-1]["event"] == "result"
    assert sorted(os.listdir(out)) == ["lineage.json", "mapping.json", "validation.json"]


def test_a_tag_list_is_suggested_without_a_run(served: Command, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "tags.json").write_text(json.dumps([{"name": "Bearing temp [°C]"}, "Current_A", "Remark"]))
    done = served("suggest", "--columns", "tags.json", "--profile", str(profile), "--json")
    assert done.returncode == 0, done.stderr
    found = {item["column"]: item["sensor"] for item in json.loads(done.stdout)["columns"]}
    assert found == {"Bearing temp [°C]": "bearing_temp_C", "Current_A": "current_A", "Remark": None}


def test_converting_needs_no_run_and_keeps_every_row(
    served: Command, rows_file: Callable[[int], Path], tmp_path: Path
) -> None:
    done = served("convert", str(rows_file(150)), "--to", "csv", "--out", "wide.csv", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["rows"], document["rejected_rows"]) == (150, 0)
    assert {fact["key"]: fact["value"] for fact in document["detected"]}["delimiter"] == ","
    assert document["warnings"] == []
    lines = (tmp_path / "wide.csv").read_text().splitlines()
    assert len(lines) == 151
    assert "bearing_temp_C" in lines[0]
    assert "source_row" not in lines[0]


def test_converting_raw_keeps_every_cell_as_text(served: Command, tmp_path: Path) -> None:
    rows = "".join(f"00{row},{row}.50,NA\n" for row in range(120))
    (tmp_path / "codes.csv").write_text("code,value,note\n" + rows)
    done = served("convert", "codes.csv", "--to", "csv", "--out", "raw.csv", "--raw")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "raw.csv").read_text().splitlines()[1].replace('"', "") == "000,0.50,NA"


def test_a_drafted_profile_registers(served: Command, rows_file: Callable[[int], Path]) -> None:
    done = served("profile", "init", str(rows_file(150)), "--machine", "drafted", "--out", "drafted.yaml")
    assert done.returncode == 0, done.stderr
    added = served("machines", "add", "drafted.yaml", "--json")
    assert added.returncode == 0, added.stderr
    assert {"bearing_temp_C", "current_A"} <= {sensor["name"] for sensor in json.loads(added.stdout)["sensors"]}


def test_doctor_finds_the_services(served: Command) -> None:
    done = served("doctor", "--json")
    checks = {check["name"]: check["outcome"] for check in json.loads(done.stdout)["checks"]}
    assert checks["services"] == "ok"


def test_tables_are_listed_by_short_names_that_delete_them(
    served: Command, rows_file: Callable[[int], Path], tmp_path: Path
) -> None:
    (tmp_path / "listed.yaml").write_text("machine_id: listed\nsensors: [{name: bearing_temp_C}]\n")
    opened = served("upload", str(rows_file(150)), "--profile", "listed.yaml", "--json")
    assert opened.returncode == 0, opened.stderr
    (table,) = json.loads(served("datasets", "list", "listed", "--json").stdout)["datasets"]
    assert table["rows"] == 150
    short = "/".join(table["dataset"].split("/")[2:])[:18]
    assert short in served("datasets", "list", "listed").stdout
    assert served("datasets", "delete", short).returncode == 2
    assert served("datasets", "delete", short, "--machine", "listed").returncode == 0
    assert json.loads(served("datasets", "list", "listed", "--json").stdout)["datasets"] == []
    assert served("datasets", "delete", short, "--machine", "listed").returncode == 2
