"""A plan file is read strictly, and the same choices are the same run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import (
    CleaningChoice,
    ColumnChoice,
    LifeChoices,
    Plan,
    ReadChoices,
    SplitChoices,
    TrainingChoices,
    merged,
    run_request_id,
)
from clients.sdk.plan_file import parse_plan, plan_from_json, plan_to_yaml, read_plan

WHOLE = """\
files: [a.csv, /data/b.csv]
profile: motor.yaml
strategy: merge
rows: 1_000
epochs: 5
read: {delimiter: ";", header_row: 2, day_first: yes}
mapping:
  - {column: TT 1, sensor: bearing_temp_C, unit: °F}
  - {column: junk, role: ignore}
cleaning:
  - {kind: interpolate, max_gap: 5}
life: {mode: recompute, cap: 125}
training: {learning_rate: 1e-4, freeze_encoder: true, device: "cuda:1"}
gates: {kl_divergence: .1}
"""


def test_a_whole_plan_is_read_and_its_paths_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(WHOLE, "utf-8")
    plan = read_plan(tmp_path / "plan.yaml")
    assert plan.files == (str(tmp_path / "a.csv"), "/data/b.csv")
    assert plan.profile == str(tmp_path / "motor.yaml")
    assert plan.strategy == "merge"
    assert (plan.rows, plan.epochs) == (1000, 5)
    assert plan.read == ReadChoices(delimiter=";", header_row=2, day_first=True)
    assert plan.mapping[0] == ColumnChoice("TT 1", "sensor", "bearing_temp_C", "°F")
    assert plan.mapping[1].role == "ignore"
    assert plan.cleaning == (CleaningChoice("interpolate", max_gap=5),)
    assert plan.life.cap == 125.0
    assert (plan.training.learning_rate, plan.training.device) == (1e-4, "cuda:1")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("rows: many\n", 1, "whole number"),
        ("profile: p\nstrateg: merge\n", 2, "did you mean 'strategy'"),
        ("strategy: sometimes\n", 1, "merge, replace, real-only"),
        ("read:\n  header_row: first\n", 2, "whole number"),
        ("mapping:\n  - {sensor: x}\n", 2, "needs 'column'"),
        ("files: a.csv\n", 1, "must be a list"),
        ("activate_if_pass: maybe\n", 1, "true or false"),
        ("rows: 1\nrows: 2\n", 2, "given twice"),
        ("a: [\n", 2, "not YAML"),
        ("- a\n", 1, "key: value"),
        ("training: {learning_rate: fast}\n", 1, "a number"),
    ],
)
def test_a_wrong_line_is_named_with_what_would_be_right(text: str, line: int, what: str) -> None:
    with pytest.raises(SensorForgeClientError) as caught:
        parse_plan(text, "plan.yaml")
    assert f"plan.yaml, line {line}" in caught.value.message
    assert what in caught.value.message
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_plan_constructs_nothing() -> None:
    with pytest.raises(SensorForgeClientError):
        parse_plan("!!python/object/apply:os.system ['true']\n")


def test_an_empty_plan_is_the_default() -> None:
    assert parse_plan("# nothing\n") == Plan()


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12)
plans = st.builds(
    Plan,
    files=st.lists(texts, max_size=3).map(tuple),
    strategy=st.sampled_from([None, "merge", "replace", "real-only"]),
    rows=st.integers(1, 10**6),
    timestamp_column=texts,
    activate_if_pass=st.booleans(),
    read=st.builds(
        ReadChoices, delimiter=texts, header_row=st.none() | st.integers(0, 9), day_first=st.none() | st.booleans()
    ),
    mapping=st.lists(st.builds(ColumnChoice, column=texts, sensor=texts, unit=texts), max_size=3).map(tuple),
    life=st.builds(LifeChoices, cap=st.floats(0, 1e9), runs_end_in_failure=st.none() | st.booleans()),
    split=st.builds(SplitChoices, train=st.floats(0, 1)),
    training=st.builds(TrainingChoices, learning_rate=st.floats(0, 1), batch_size=st.integers(0, 4096)),
)


@given(plans)
def test_a_plan_survives_its_journal_and_its_file(plan: Plan) -> None:
    assert plan_from_json(plan.to_json()) == plan
    assert parse_plan(plan_to_yaml(plan)) == plan


def test_where_files_lie_does_not_change_the_run_but_what_is_in_them_does() -> None:
    here, there = Plan(files=("a.csv",)), Plan(files=("/elsewhere/a.csv",))
    assert run_request_id("m", "p", ["1"], "", here) == run_request_id("m", "p", ["1"], "", there)
    assert run_request_id("m", "p", ["1"], "", here) != run_request_id("m", "p", ["2"], "", here)
    assert run_request_id("m", "p", ["1"], "", here) != run_request_id("m", "q", ["1"], "", here)
    assert run_request_id("m", "p", ["1"], "", here) != run_request_id("m", "p", ["1"], "", Plan(epochs=3))


def test_activation_is_no_part_of_what_a_run_is() -> None:
    plan = Plan(files=("a.csv",))
    later = dataclasses.replace(plan, activate_if_pass=True)
    assert run_request_id("m", "p", ["1"], "", plan) == run_request_id("m", "p", ["1"], "", later)


def test_options_that_were_not_given_leave_the_plan_as_it_is() -> None:
    plan = parse_plan(WHOLE)
    assert merged(plan, {"rows": None, "read": {"delimiter": None}}) == plan
    assert merged(plan, {"read": {"decimal": ","}}).read == dataclasses.replace(plan.read, decimal=",")


def test_paths_of_a_plan_named_relatively_lead_to_the_files_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "plan.yaml").write_text("files: [a.csv]\nread: {register_map: map.csv}\n")
    monkeypatch.chdir(tmp_path)
    plan = read_plan(Path("here/plan.yaml"))
    monkeypatch.chdir("/")
    assert plan.files == (str(tmp_path / "here" / "a.csv"),)
    assert plan.read.register_map == str(tmp_path / "here" / "map.csv")


def test_what_a_register_map_says_counts_and_not_where_it_lies() -> None:
    here, there = (Plan(read=ReadChoices(register_map=place)) for place in ("/a/map.csv", "/b/map.csv"))

    def identity(plan: Plan, digest: str) -> str:
        return run_request_id("m", "p", ["1"], "", plan, register_map_digest=digest)

    assert identity(here, "1") == identity(there, "1")
    assert identity(here, "1") != identity(here, "2")
