"""What the services answer, in the words of the screens."""

from __future__ import annotations

from clients.tui import answers
from clients.tui.compared import question
from clients.tui.panes.validate import summary
from clients.tui.plain import plain
from clients.tui.views import Comparison, FindingRow


def test_the_curves_of_a_model_are_named_as_its_events_are() -> None:
    document = {"curves": {"original": [{"epoch": 1, "validation_loss": 2.0}], "refined": [{"epoch": 1}, {"epoch": 2}]}}
    points = answers.curves(document)
    assert [(p.series, p.epoch, p.epochs) for p in points] == [("seed", 1, 1), ("refined", 1, 2), ("refined", 2, 2)]


def test_one_error_blocks_and_two_block() -> None:
    error, warning = FindingRow("error", "", "", ""), FindingRow("warning", "", "", "")
    assert summary([error, warning]) == "✖ 1 error blocks, 1 warning does not."
    assert summary([error, error, warning, warning]) == "✖ 2 errors block, 2 warnings do not."
    assert summary([warning]) == "Nothing blocks. 1 warning."
    mended = FindingRow("warning", "", "", "", fix="interpolate")
    assert summary([warning, mended]) == "Nothing blocks. 2 warnings; cleaning (step 4) offers the fixes."
    assert summary([]) == "✔ Nothing to object to."


def test_findings_are_read_with_the_fix_for_their_column() -> None:
    document = {
        "warnings": [{"code": "MISSING_VALUES", "column": "a", "message": "m"}],
        "suggested_cleaning": {"a": "leave_out"},
    }
    assert answers.findings(document) == [FindingRow("warning", "missing values", "a", "m", "leave out")]


def test_the_question_before_a_switch_names_old_and_new() -> None:
    found = Comparison("", "", (), (), model="new", default="old")
    assert "old → new" in question("pump-1", found)
    assert "no model yet → new" in question("pump-1", Comparison("", "", (), (), model="new"))


def test_ascii_keeps_the_width_of_what_it_replaces() -> None:
    text = "1✔Upload → °C · ─│┌ ▁▂█ ⣿ ≤ 名 é"
    assert plain(text).isascii()
    assert plain("1✔Upload → ─│┌") == "1+Upload > -|+"
    assert len(plain("名")) == 2
