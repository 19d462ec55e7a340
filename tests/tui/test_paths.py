"""What a person types, pastes or drops becomes files; what is not there is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.tui.paths import Pace, amount, beginning, completion, completions, files_of, pasted, profile_of
from clients.tui.views import Problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("pump 1.csv", "pump-2.csv", "motor.csv", ".hidden.csv"):
        (tmp_path / name).write_text("Time;T\n1;2\n")
    (tmp_path / "archive").mkdir()
    return tmp_path


@pytest.mark.parametrize("shape", ["{}", "'{}'", '"{}"', "  {}\r\n"])
def test_a_dropped_file_is_found_however_the_terminal_writes_it(folder: Path, shape: str) -> None:
    path = str(folder / "motor.csv")
    assert files_of(pasted(shape.format(path))) == [path]


def test_blanks_in_a_dropped_path_are_no_borders(folder: Path) -> None:
    path = str(folder / "pump 1.csv")
    for text in (path.replace(" ", "\\ "), f"'{path}'", "file://" + path.replace(" ", "%20")):
        assert files_of(pasted(text)) == [path]


def test_several_dropped_files_are_all_taken(folder: Path) -> None:
    one, two = str(folder / "pump 1.csv"), str(folder / "motor.csv")
    assert files_of(pasted(f"'{one}'\n{two}")) == [one, two]


def test_a_pattern_is_every_file_that_fits(folder: Path) -> None:
    assert files_of(str(folder / "*.csv")) == [str(folder / n) for n in ("motor.csv", "pump 1.csv", "pump-2.csv")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No data file is named"),
        ("{}/none.csv", "no file"),
        ("{}/none/deep.csv", "is there, the rest is not"),
        ("{}", "is a folder"),
        ("s3://plant/history.csv", "cannot read from"),
        ("{}/motor.csv {}/none.csv", "none.csv"),
    ],
)
def test_what_is_not_there_is_named(folder: Path, text: str, said: str) -> None:
    with pytest.raises(Problem, match=said) as raised:
        files_of(text.replace("{}", str(folder)))
    assert raised.value.remedy


def test_a_missing_profile_says_that_one_can_be_drafted(folder: Path) -> None:
    for text in ("", str(folder / "none.yaml")):
        with pytest.raises(Problem, match=r"profile|no file") as raised:
            profile_of(text)
        assert "F4" in raised.value.remedy


def test_completion_goes_as_far_as_it_is_certain(folder: Path) -> None:
    assert completion(f"{folder}/pu") == f"{folder}/pump"
    assert completion(f"{folder}/mo") == f"{folder}/motor.csv"
    assert completion(f"{folder}/ar") == f"{folder}/archive/"
    assert completion(f"{folder}/zz") == f"{folder}/zz"
    assert completions(f"{folder}/pump") == [f"{folder}/pump 1.csv", f"{folder}/pump-2.csv"]
    assert completions(f"{folder}/.h") == [f"{folder}/.hidden.csv"]


def test_the_second_of_several_paths_is_completed(folder: Path) -> None:
    assert completion(f"{folder}/motor.csv {folder}/pump-") == f"{folder}/motor.csv {folder}/pump-2.csv"


def test_how_a_file_begins_is_said_before_it_is_sent(folder: Path) -> None:
    assert beginning([str(folder / "motor.csv")]) == "1 file, 11 B, begins Time;T"
    table = folder / "t.parquet"
    table.write_bytes(b"PAR1....")
    assert beginning([str(table), str(table)]) == "2 files, 16 B, is Parquet"
    for content, words in {
        "Zeit;T [°C]\n".encode("cp1252"): "begins Zeit;T [°C]",
        "Zeit;T [°C]\n".encode("utf-16"): "begins Zeit;T [°C]",
        b"\x00\x01\xfe": "is no plain text",
        b"\n1,2\n": "begins with an empty line",
    }.items():
        table.write_bytes(content)
        assert beginning([str(table)]).endswith(words)


@given(st.text(max_size=60) | st.just("~nobody/x") | st.just("/" + "x" * 5_000))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(pasted(text), str)
    assert isinstance(completion(text.replace("\0", "")), str)
    with contextlib.suppress(Problem):
        assert files_of(text.replace("\0", ""))


def test_pace_tells_rate_and_time_left_from_the_last_seconds() -> None:
    pace = Pace()
    assert pace.at(0.0, 0, 10_000_000) == ("0 B of 10.0 MB", 0.0)
    words, left = pace.at(1.0, 2_000_000, 10_000_000)
    assert (words, left) == ("2.0 MB of 10.0 MB, 2.0 MB/s", 4.0)
    assert pace.at(2.0, 0, 5_000_000)[1] == 0.0, "another file begins anew"


def test_amounts_have_the_largest_unit_that_fits() -> None:
    assert [amount(n) for n in (0, 999, 1500, 2_500_000, 3e9, 5e12)] == [
        "0 B", "999 B", "1.5 kB", "2.5 MB", "3.0 GB", "5,000.0 GB",
    ]  # fmt: skip
