"""A journal is one gapless line of entries: every number has one winner, and nobody's entry is lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.artifacts import objects
from services.artifacts.journal import Journal, JournalConflict
from services.artifacts.objects import ObjectStore, StoreUnavailable
from tests.artifacts.faults import Fate, FaultyStore


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets pauses between tries pass at once."""
    monkeypatch.setattr(objects.time, "sleep", lambda _: None)


def test_an_empty_journal_is_at_version_zero(store: ObjectStore) -> None:
    journal = Journal(store, "machines/pump-1/default-model")
    assert journal.latest() == (0, None)
    assert journal.entries() == []


def test_entries_are_numbered_documents_that_a_person_can_find(store: ObjectStore) -> None:
    journal = Journal(store, "machines/pump-1/default-model")
    assert journal.append(0, {"model": "a", "°C": [1.5, None]}) == 1
    assert journal.append(1, {"model": "b"}) == 2
    assert list(store.list("journals/")) == [
        "journals/machines/pump-1/default-model/00000001.json",
        "journals/machines/pump-1/default-model/00000002.json",
    ]
    assert journal.entries() == [{"model": "a", "°C": [1.5, None]}, {"model": "b"}]
    assert journal.entries(after=1) == [{"model": "b"}]
    assert journal.latest() == (2, {"model": "b"})


@pytest.mark.parametrize("expected", [0, 2, 7, -1])
def test_an_append_at_another_version_is_a_conflict_that_names_the_version(store: ObjectStore, expected: int) -> None:
    journal = Journal(store, "key")
    journal.append(0, {})
    with pytest.raises(JournalConflict) as conflict:
        journal.append(expected, {"late": True})
    assert conflict.value.version == 1
    assert journal.entries() == [{}]


def test_journals_beside_each_other_do_not_mix(store: ObjectStore) -> None:
    Journal(store, "a").append(0, {"of": "a"})
    Journal(store, "a-b").append(0, {"of": "a-b"})
    Journal(store, "ab").append(0, {"of": "ab"})
    assert Journal(store, "a").entries() == [{"of": "a"}]


def test_every_version_has_exactly_one_winner(reopen: Callable[[], ObjectStore], backend: str) -> None:
    writers, versions = (6, 8) if backend == "local" else (4, 2)
    journals = [Journal(reopen(), "race") for _ in range(writers)]
    start = threading.Barrier(writers)

    def race(writer: int, version: int) -> int | None:
        start.wait()
        try:
            return journals[writer].append(version, {"writer": writer})
        except JournalConflict:
            return None

    with ThreadPoolExecutor(writers) as pool:
        for version in range(versions):
            won = list(pool.map(race, range(writers), [version] * writers))
            winners = [writer for writer in range(writers) if won[writer] is not None]
            assert len(winners) == 1
            assert won[winners[0]] == version + 1
            assert journals[0].entries()[version] == {"writer": winners[0]}


def test_updates_that_race_are_all_there_and_each_saw_the_one_before(
    reopen: Callable[[], ObjectStore], backend: str
) -> None:
    writers, each = (5, 6) if backend == "local" else (2, 2)

    def count(writer: int) -> None:
        journal = Journal(reopen(), "counter")
        for _ in range(each):
            journal.update(lambda entries: {"writer": writer, "count": len(entries) + 1})

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(count, range(writers)))
    entries = Journal(reopen(), "counter").entries()
    assert [entry["count"] for entry in entries] == list(range(1, writers * each + 1))
    assert sorted(entry["writer"] for entry in entries) == sorted(list(range(writers)) * each)


def test_an_update_that_decides_nothing_appends_nothing(store: ObjectStore) -> None:
    journal = Journal(store, "key")
    journal.append(0, {})
    assert journal.update(lambda entries: None) == 1
    assert journal.version() == 1


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fates", [["landed"], ["lost"], ["lost", "landed"], ["landed", "landed"], ["lost"] * 4])
def test_an_append_whose_answer_was_lost_happens_once(tmp_path: Path, fates: list[Fate]) -> None:
    left = iter(fates)
    journal = Journal(FaultyStore(tmp_path, lambda _: next(left, "fine")), "key")
    assert journal.append(0, {"n": 1}) == 1
    assert journal.append(1, {"n": 2}) == 2
    assert journal.entries() == [{"n": 1}, {"n": 2}]


def test_a_store_that_stays_away_ends_the_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now: Iterator[int] = iter(range(0, 10_000, 7))
    monkeypatch.setattr(objects.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(objects.time, "sleep", lambda _: None)
    journal = Journal(FaultyStore(tmp_path, lambda _: "lost"), "key")
    with pytest.raises(StoreUnavailable):
        journal.append(0, {})


class Crash(BaseException):
    """The writer dies before the store answers."""


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.sampled_from(["fine", "lost", "landed", "crash"]), max_size=3)),
        max_size=14,
    )
)
@pytest.mark.usefixtures("no_waiting")
def test_under_any_schedule_of_faults_an_append_is_there_exactly_when_it_said_so(
    tmp_path_factory: pytest.TempPathFactory, schedule: list[tuple[int, list[str]]]
) -> None:
    """Writers hold versions of any age; a crash comes before the request or between requests."""
    fates: list[str] = []

    def fate(_: str) -> Fate:
        following = fates.pop(0) if fates else "fine"
        if following == "crash":
            raise Crash
        return following  # type: ignore[return-value]

    store = FaultyStore(tmp_path_factory.mktemp("store"), fate)
    journals = [Journal(store, "key") for _ in range(4)]
    seen = [0] * 4
    said: list[int] = []
    for number, (writer, planned) in enumerate(schedule):
        fates[:] = planned
        try:
            seen[writer] = journals[writer].append(seen[writer], {"number": number})
            said.append(number)
            assert journals[writer].entries()[seen[writer] - 1] == {"number": number}
        except JournalConflict as conflict:
            seen[writer] = conflict.version
        except Crash:
            fates.clear()
            seen[writer] = journals[writer].version()
    fates.clear()
    there = [entry["number"] for entry in journals[0].entries()]
    assert len(set(there)) == len(there)
    assert [number for number in there if number in said] == said
    assert journals[0].version() == len(there)
