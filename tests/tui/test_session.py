"""The seven steps as one screen knows them."""

from __future__ import annotations

from clients.tui.session import Step, StepBoard


def finished(until: Step) -> StepBoard:
    session = StepBoard()
    for step in Step:
        if step <= until:
            session.begin(step)
            session.finish(step, f"{step.title} is done")
    return session


def test_a_step_is_reachable_only_after_the_one_before() -> None:
    session = finished(Step.VALIDATE)
    assert session.reachable(Step.MAP)
    assert not session.reachable(Step.CLEAN)
    assert session.why_blocked(Step.REFINE) == "Refine needs Map first: finish step 3."


def test_editing_an_earlier_step_makes_later_ones_stale_and_keeps_them() -> None:
    session = finished(Step.MERGE)
    session.edited(Step.MAP)
    assert [session.records[s].state for s in Step] == ["done", "done", "stale", "stale", "stale", "todo", "todo"]
    assert session.records[Step.MERGE].consequence == "Merge is done"
    assert session.reachable(Step.MERGE)


def test_doing_a_step_again_makes_what_rests_on_it_stale() -> None:
    session = finished(Step.COMPARE)
    session.begin(Step.CLEAN)
    assert session.records[Step.CLEAN].state == "running"
    assert session.records[Step.COMPARE].state == "stale"


def test_a_failed_step_stops_the_way() -> None:
    session = finished(Step.UPLOAD)
    session.begin(Step.VALIDATE)
    session.fail(Step.VALIDATE, "only 99 rows")
    assert not session.reachable(Step.MAP)
