"""Asking for work: same request, same run; another meaning is an error; what ended well is not done again."""

from __future__ import annotations

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore
from services.chassis.errors import SensorForgeError
from services.jobs.attempt import Attempt, Failure
from services.jobs.engine import Jobs
from services.jobs.log import JobLog
from services.jobs.outputs import OutputWriter
from services.jobs.state import Phase
from services.jobs.views import JobView

WORK = Derivation("m1", "toy.count", 1, {}, {"n": 1})
OTHER = Derivation("m1", "toy.count", 1, {}, {"n": 2})


@pytest.fixture
def jobs(store: ObjectStore) -> Jobs:
    return Jobs(store, Catalog(store))


def start(jobs: Jobs, work: Derivation = WORK, request_id: str = "r1", caller: str = "me") -> JobView:
    return jobs.start(work, caller=caller, request_id=request_id)[0]


def attempt(jobs: Jobs, view: JobView) -> Attempt:
    taken = Attempt.take(JobLog(jobs.store, WORK.digest(), view.run), "worker")
    assert taken is not None
    return taken


def succeed(jobs: Jobs, view: JobView, tmp_path: object) -> None:
    """Ends a run well, without publishing: as a winner that died right after its terminal record."""
    owner = attempt(jobs, view)
    outputs = OutputWriter(jobs.store, WORK, view.run, owner.claim, tmp_path, "test")  # type: ignore[arg-type]
    outputs.output("table", "clean").json("a.json", {"run": view.run})
    owner.finish(outputs.sealed)


def fail(jobs: Jobs, view: JobView) -> None:
    attempt(jobs, view).fail(Failure("INVALID_REQUEST", "no", "", "USAGE", {}))


def test_the_same_request_gets_the_same_run_even_after_it_failed(jobs: Jobs) -> None:
    first = start(jobs)
    assert start(jobs) == first
    fail(jobs, first)
    again = start(jobs)
    assert (again.run, again.state) == (1, Phase.FAILED)


def test_a_request_id_with_other_contents_is_refused(jobs: Jobs) -> None:
    start(jobs)
    with pytest.raises(SensorForgeError) as raised:
        start(jobs, OTHER)
    assert raised.value.reason == "REQUEST_ID_REUSED"
    assert start(jobs, OTHER, caller="somebody else").run == 1


@pytest.mark.parametrize("request_id", ["a/b", "../x", "-a", "a" * 129, "ä", "a b"])
def test_a_request_id_that_is_none_is_refused(jobs: Jobs, request_id: str) -> None:
    with pytest.raises(SensorForgeError) as raised:
        start(jobs, request_id=request_id)
    assert raised.value.reason == "INVALID_REQUEST"


def test_two_callers_share_an_open_run(jobs: Jobs) -> None:
    assert start(jobs, request_id="a").run == start(jobs, request_id="b", caller="you").run == 1


def test_after_a_failure_or_cancellation_a_new_request_opens_the_next_run(jobs: Jobs) -> None:
    fail(jobs, start(jobs))
    second = start(jobs, request_id="r2")
    assert (second.run, second.state) == (2, Phase.PENDING)
    assert jobs.cancel(second.name, "discard").state is Phase.CANCELLED
    assert start(jobs, request_id="r3").run == 3


def test_a_succeeded_job_is_returned_as_it_is(jobs: Jobs, tmp_path: object) -> None:
    succeed(jobs, start(jobs), tmp_path)
    view, reused = jobs.start(WORK, caller="me", request_id="r2")
    assert (view.run, view.state, reused) == (1, Phase.SUCCEEDED, True)


def test_a_later_reader_publishes_when_the_winner_died_before(jobs: Jobs, tmp_path: object) -> None:
    view = start(jobs)
    succeed(jobs, view, tmp_path)
    reader = Jobs(jobs.store, Catalog(jobs.store))
    (name,) = reader.get(view.name).outputs.values()
    assert reader.catalog.read_json(name) == {"run": 1}
    assert not list(jobs.store.list("open/"))


def test_reading_an_old_job_does_not_bring_a_deleted_artifact_back(jobs: Jobs, tmp_path: object) -> None:
    view = start(jobs)
    succeed(jobs, view, tmp_path)
    (name,) = jobs.get(view.name).outputs.values()
    jobs.catalog.delete(name)
    assert Jobs(jobs.store, jobs.catalog).get(view.name).state is Phase.SUCCEEDED
    assert not jobs.catalog.exists(name)


def test_asking_again_after_the_outputs_were_deleted_makes_them_again(jobs: Jobs, tmp_path: object) -> None:
    view = start(jobs)
    succeed(jobs, view, tmp_path)
    (name,) = jobs.get(view.name).outputs.values()
    jobs.catalog.delete(name)
    second = start(jobs, request_id="r2")
    assert second.run == 2
    succeed(jobs, second, tmp_path)
    jobs.get(view.name)
    assert jobs.catalog.read_json(name) == {"run": 2}


def test_a_job_that_was_never_claimed_is_cancelled_at_once_and_takes_no_claim(jobs: Jobs) -> None:
    view = start(jobs)
    assert jobs.cancel(view.name, "keep").state is Phase.CANCELLED
    assert Attempt.take(JobLog(jobs.store, WORK.digest(), 1), "late") is None


def test_a_claimed_job_is_ended_by_its_owner(jobs: Jobs) -> None:
    view = start(jobs)
    owner = attempt(jobs, view)
    assert jobs.cancel(view.name, "discard").state is Phase.CANCELLING
    owner.finish(lambda mode: ())
    assert jobs.get(view.name).state is Phase.CANCELLED


def test_what_a_cancel_kept_has_a_name_of_its_own(jobs: Jobs, tmp_path: object) -> None:
    view = start(jobs)
    owner = attempt(jobs, view)
    jobs.cancel(view.name, "keep")
    outputs = OutputWriter(jobs.store, WORK, 1, owner.claim, tmp_path, "test")  # type: ignore[arg-type]
    outputs.output("table", "clean").json("a.json", {})
    owner.finish(outputs.sealed)
    kept = jobs.get(view.name).outputs["table"]
    assert kept.rpartition("/")[2] != WORK.digest()
    second = start(jobs, request_id="r2")
    succeed(jobs, second, tmp_path)
    assert jobs.get(view.name).outputs["table"].rpartition("/")[2] == WORK.digest()


def test_an_input_that_is_not_there_is_refused_before_anything_is_opened(jobs: Jobs) -> None:
    work = Derivation("m1", "toy.count", 1, {"table": f"machines/m1/clean/{'0' * 64}"}, {})
    with pytest.raises(SensorForgeError) as raised:
        start(jobs, work)
    assert raised.value.reason == "ARTIFACT_NOT_FOUND"
    assert not list(jobs.store.list("jobs/"))


def test_an_artifact_that_an_unfinished_job_reads_stays(jobs: Jobs, tmp_path: object) -> None:
    view = start(jobs)
    succeed(jobs, view, tmp_path)
    (name,) = jobs.get(view.name).outputs.values()
    jobs.catalog.add_guard(jobs.depends_on)
    reading = start(jobs, Derivation("m1", "toy.count", 1, {"table": name}, {}), "r2")
    with pytest.raises(SensorForgeError, match="unfinished job"):
        jobs.catalog.delete(name)
    jobs.cancel(reading.name, "discard")
    jobs.catalog.delete(name)


@pytest.mark.parametrize("name", ["", "x", "machines/m1/jobs/xyz", "machines/../jobs/" + "0" * 64])
def test_a_name_that_is_no_jobs_is_not_found(jobs: Jobs, name: str) -> None:
    with pytest.raises(SensorForgeError) as raised:
        jobs.get(name)
    assert raised.value.reason == "JOB_NOT_FOUND"


def test_a_job_is_not_found_under_another_machine(jobs: Jobs) -> None:
    view = start(jobs)
    with pytest.raises(SensorForgeError):
        jobs.get(view.name.replace("m1", "m2"))


def test_jobs_are_listed_newest_first_in_pages_without_repeats(jobs: Jobs) -> None:
    opened = [start(jobs, Derivation("m1", f"toy.{n % 2}", 1, {}, {"n": n}), f"r{n}").name for n in range(5)]
    start(jobs, Derivation("m2", "toy.0", 1, {}, {}), "other")
    page, token = jobs.list("m1", page_size=2)
    rest, end = jobs.list("m1", page_size=3, page_token=token)
    assert [view.name for view in (*page, *rest)] == opened[::-1]
    assert end == ""
    assert [view.name for view in jobs.list("m1", operation="toy.1")[0]] == [opened[3], opened[1]]
    with pytest.raises(SensorForgeError):
        jobs.list("m1", page_token="../..")


def test_a_job_of_another_release_waits_and_says_why(jobs: Jobs) -> None:
    view = start(jobs)
    newer = Jobs(jobs.store, jobs.catalog, supported=[("toy.count", 2)])
    assert newer.get(view.name).state is Phase.PENDING
    assert "REVISION_UNSUPPORTED" in newer.get(view.name).progress["message"]
    elsewhere = Jobs(jobs.store, jobs.catalog, supported=[("other.stage", 1)])
    assert not elsewhere.get(view.name).progress


def test_only_a_result_that_is_there_counts_as_reused(jobs: Jobs, tmp_path: object) -> None:
    assert not jobs.start(WORK, caller="me", request_id="r1")[1]
    assert not jobs.start(WORK, caller="me", request_id="r1")[1]
    succeed(jobs, start(jobs), tmp_path)
    assert jobs.start(WORK, caller="me", request_id="r1")[1]
