"""A failure log of its own gives remaining life to its units and to no other row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.failure_log import FailureLogOptions, read_failure_log
from services.mapping.rul import RulOptions, quartile_of_life, remaining_life

START = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = MachineProfile("m", (Sensor("load"),), rul_unit="h")
CYCLES = MachineProfile("m", (Sensor("load"),), rul_unit="cycles")


def history(units: tuple[str, ...] = ("7", "9"), rows: int = 48) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source_row": list(range(1, rows * len(units) + 1)),
            "timestamp": [START + timedelta(hours=i) for _ in units for i in range(rows)],
            "run_id": [unit for unit in units for _ in range(rows)],
            "load": 1.0,
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def log_of(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(columns)


def test_rul_counts_to_the_next_failure_of_the_same_unit_and_is_censored_after_the_last() -> None:
    log = read_failure_log(
        log_of(pump_id=[7, 7], failed_at=["2024-01-01 10:00:00", "2024-01-02 06:00:00"]), FailureLogOptions()
    )
    life = remaining_life(history(), HOURS, RulOptions(), log=log)
    assert life.values is not None
    first, other = life.values[:48], life.values[48:]
    assert first[:12].to_list() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 19]
    assert first[30] == 0
    assert first[31:].null_count() == 17
    assert other.null_count() == 48
    assert {finding.code for finding in life.findings} >= {"RUL_CENSORED", "UNITS_WITHOUT_FAILURE"}


def test_each_life_between_failures_has_its_own_quarters() -> None:
    log = read_failure_log(
        log_of(unit=["7", "7"], time=["2024-01-01 19:00:00", "2024-01-02 15:00:00"]), FailureLogOptions()
    )
    table = history(("7",), 40)
    rul = remaining_life(table, HOURS, RulOptions(), log=log).values
    assert rul is not None
    quarters = quartile_of_life(table.with_columns(rul.alias("rul")))
    assert [int((quarters[:20] == i).sum()) for i in range(4)] == [int((quarters[20:] == i).sum()) for i in range(4)]


def test_a_log_of_cycles_counts_positions_in_each_units_life() -> None:
    log = read_failure_log(log_of(unit=["7", "9"], cycle=[48, 60]), FailureLogOptions())
    assert not log.by_time
    rul = remaining_life(history(), CYCLES, RulOptions(), log=log).values
    assert rul is not None
    assert (rul[0], rul[47], rul[48], rul[95]) == (47, 0, 59, 12)


def test_only_the_kinds_that_count_are_counted() -> None:
    table = log_of(
        unit=["7", "7"], time=["2024-01-01 05:00:00", "2024-01-01 20:00:00"], kind=["seal replaced", "bearing seized"]
    )
    log = read_failure_log(table, FailureLogOptions(kinds=("bearing seized",)))
    rul = remaining_life(history(("7",)), HOURS, RulOptions(), log=log).values
    assert rul is not None
    assert rul[0] == 20
    assert log.report["kinds"] == {"bearing seized": 1}


def test_a_cap_holds_for_a_logged_life_too() -> None:
    log = read_failure_log(log_of(unit=["7"], time=["2024-01-02 23:00:00"]), FailureLogOptions())
    rul = remaining_life(history(("7",)), HOURS, RulOptions(cap=5), log=log).values
    assert rul is not None
    assert rul.max() == 5


def test_a_log_without_units_is_for_a_table_of_one_machine() -> None:
    log = read_failure_log(log_of(time=["2024-01-01 12:00:00"]), FailureLogOptions())
    rul = remaining_life(history(("7",)).drop("run_id"), HOURS, RulOptions(), log=log).values
    assert rul is not None
    assert rul[0] == 12


def test_a_unit_of_the_log_that_the_table_lacks_is_named() -> None:
    log = read_failure_log(log_of(unit=["7", "42"], time=["2024-01-01 12:00:00"] * 2), FailureLogOptions())
    life = remaining_life(history(), HOURS, RulOptions(), log=log)
    message = next(finding.message for finding in life.findings if finding.code == "FAILURE_UNIT_UNKNOWN")
    assert "42" in message


def test_a_log_that_matches_no_unit_is_refused_with_both_names() -> None:
    log = read_failure_log(log_of(unit=["P-101"], time=["2024-01-01 12:00:00"]), FailureLogOptions())
    with pytest.raises(SensorForgeError) as refused:
        remaining_life(history(), HOURS, RulOptions(), log=log)
    assert refused.value.reason == "FAILURE_LOG_NO_MATCH"
    assert "P-101" in refused.value.message
    assert "7" in refused.value.message


@pytest.mark.parametrize(
    ("table", "options", "what"),
    [
        (log_of(note=["x"]), FailureLogOptions(), "no column says when"),
        (log_of(unit=["7"], time=["2024-01-01"]), FailureLogOptions(time_column="failed"), "no column 'failed'"),
        (log_of(unit=["7"], time=["2024-01-01"]), FailureLogOptions(kinds=("seal",)), "no column says the kind"),
    ],
)
def test_a_log_that_cannot_be_read_says_why(table: pl.DataFrame, options: FailureLogOptions, what: str) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read_failure_log(table, options)
    assert refused.value.reason == "FAILURE_LOG_UNREADABLE"
    assert what in refused.value.message


def test_a_failure_without_a_readable_time_is_reported_and_does_not_count() -> None:
    times = ["2024-01-01 05:00:00"] * 9 + ["last summer"]
    log = read_failure_log(log_of(unit=["7"] * 10, time=times), FailureLogOptions())
    assert len(log.units) == 9
    assert "FAILURE_WITHOUT_TIME" in {finding.code for finding in log.findings}
