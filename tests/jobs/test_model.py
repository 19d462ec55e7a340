"""The protocol holds in thousands of hostile schedules, and the model notices when it does not."""

from __future__ import annotations

import pytest

from services.jobs import log as job_log
from services.jobs.attempt import Attempt
from services.jobs.records import Succeeded
from services.jobs.state import JobState
from tests.jobs import model

SCHEDULES = range(1200)
ENOUGH_TO_FAIL = range(100_000, 101_000)


def test_no_schedule_of_crashes_lost_writes_and_cancels_breaks_a_promise() -> None:
    assert model.violations(SCHEDULES, enough=3) == []


@pytest.mark.slow
def test_no_schedule_breaks_a_promise_at_length() -> None:
    assert model.violations(range(10_000, 70_000), enough=3) == []


def test_without_the_fence_the_model_finds_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        JobState, "owned_by", lambda self, claim: self.terminal is None and claim is not None and self.claims > 0
    )
    assert any("fenced owner" in found for found in model.violations(ENOUGH_TO_FAIL, enough=3))


def test_without_the_nonce_a_landed_write_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_log, "is_mine", lambda sent, found: False)
    assert any("recorded twice" in found for found in model.violations(ENOUGH_TO_FAIL, enough=3))


def test_taking_every_found_record_for_mine_lets_two_workers_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_log, "is_mine", lambda sent, found: True)
    assert model.violations(ENOUGH_TO_FAIL, enough=1)


def test_a_finish_that_ignores_the_cancel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(self: Attempt, outputs: object) -> Succeeded:
        return self._end(lambda _: Succeeded(claim=self.claim, outputs=outputs(None)))  # type: ignore

    monkeypatch.setattr(Attempt, "finish", finish)
    assert any("after a cancel" in found for found in model.violations(ENOUGH_TO_FAIL, enough=3))


def test_publishing_before_the_terminal_record_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Attempt.finish

    def finish(self: Attempt, outputs: object) -> object:
        world = self.log._store._world  # type: ignore[attr-defined]
        world.published.extend(output.manifest for output in outputs(None))  # type: ignore[operator]
        return honest(self, outputs)  # type: ignore[arg-type]

    monkeypatch.setattr(Attempt, "finish", finish)
    assert any("not committed" in found for found in model.violations(ENOUGH_TO_FAIL, enough=3))


def test_a_store_whose_create_is_not_atomic_is_found() -> None:
    assert model.violations(ENOUGH_TO_FAIL, atomic=False, enough=1)
