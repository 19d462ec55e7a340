"""The fold and the stored form of records."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.artifacts.manifest import ArtifactFile, Column, Manifest
from services.chassis.errors import SensorForgeError
from services.jobs.records import (
    Cancel,
    Cancelled,
    Checkpoint,
    Claim,
    Event,
    Events,
    Failed,
    Opened,
    OutputManifest,
    Record,
    Released,
    Succeeded,
    decode,
    encode,
    finite,
)
from services.jobs.state import JobState, Phase, fold

OPENED = Opened(derivation={"machine": "m1", "operation": "toy.count", "revision": 1, "inputs": {}, "params": {}})
MANIFEST = Manifest(
    "m1",
    "clean",
    "a" * 64,
    "toy.count",
    1,
    {},
    {"n": 1},
    0,
    "test",
    (ArtifactFile("t.parquet", "k", "0" * 64, 3, "x/y", 2, (Column("a", "double", "°C", {"k": "v"}),)),),
    "2026-01-01T00:00:00.000000Z",
)
OUTPUTS = (OutputManifest("table", MANIFEST),)
TOKENS = st.integers(0, 8)
ANY_RECORD: st.SearchStrategy[Record] = st.one_of(
    st.builds(Opened, derivation=st.just(OPENED.derivation)),
    st.builds(Claim, owner=st.text(max_size=8)),
    st.builds(
        Events,
        claim=TOKENS,
        events=st.lists(st.builds(Event, st.just("warning"), st.just({"code": "A"})), max_size=3).map(tuple),
    ),
    st.builds(Checkpoint, claim=TOKENS, key=st.text(), sha256=st.text()),
    st.builds(Cancel, mode=st.sampled_from(["keep", "discard"])),
    st.builds(Released, claim=TOKENS),
    st.builds(Succeeded, claim=TOKENS, outputs=st.just(OUTPUTS)),
    st.builds(Failed, claim=TOKENS, reason=st.text(), message=st.text(), remedy=st.text(), kind=st.just("INPUT")),
    st.builds(Cancelled, claim=st.none() | TOKENS, outputs=st.just(OUTPUTS)),
)


def phases(*records: Record) -> Phase:
    return fold([OPENED, *records]).phase


@given(ANY_RECORD)
def test_a_record_reads_as_it_was_written(record: Record) -> None:
    assert decode(encode(record), "here") == record
    assert encode(record) == encode(decode(encode(record), "here"))


def test_fields_of_a_newer_release_are_ignored() -> None:
    document = json.loads(encode(Claim(owner="w"))) | {"colour": "blue"}
    assert decode(json.dumps(document).encode(), "here").type == "claim"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"type":"dance"}', b'{"type":"claim"}', b'"claim"', b"\xff"])
def test_what_is_no_record_is_refused_with_its_key(data: bytes) -> None:
    with pytest.raises(SensorForgeError, match="jobs/x") as raised:
        decode(data, "jobs/x")
    assert raised.value.reason == "JOB_LOG_UNREADABLE"


@given(st.lists(ANY_RECORD, max_size=14))
def test_whatever_lies_in_a_log_events_are_gapless_and_the_end_is_the_end(records: Sequence[Record]) -> None:
    state = JobState()
    ended = False
    for record in records:
        effective = state.apply(record)
        assert not (ended and effective)
        ended = state.terminal is not None
    assert [event.sequence for event in state.events] == list(range(1, len(state.events) + 1))
    finals = [event for event in state.events if event.kind == "final"]
    assert len(finals) == (1 if ended else 0)
    assert not ended or state.events[-1].kind == "final"
    assert state.phase.ended == ended


@given(st.lists(ANY_RECORD, max_size=14))
def test_only_the_newest_claim_has_effect(records: Sequence[Record]) -> None:
    state = JobState()
    for record in records:
        owner = state.claim
        effective = state.apply(record)
        token = getattr(record, "claim", None)
        if effective and token is not None:
            assert token == owner


def test_a_job_runs_once_claimed_and_waits_again_once_released() -> None:
    assert phases() is Phase.PENDING
    assert phases(Claim(owner="a")) is Phase.RUNNING
    assert phases(Claim(owner="a"), Released(claim=1)) is Phase.PENDING


def test_a_fenced_owner_cannot_succeed() -> None:
    assert phases(Claim(owner="a"), Claim(owner="b"), Succeeded(claim=1, outputs=())) is Phase.RUNNING


@pytest.mark.parametrize(
    "end", [Succeeded(claim=1, outputs=()), Failed(claim=1, reason="A", message="", remedy="", kind="INPUT")]
)
def test_after_a_cancel_only_cancelled_ends_the_job(end: Record) -> None:
    asked = (Claim(owner="a"), Cancel(mode="keep"))
    assert phases(*asked, end) is Phase.CANCELLING
    assert phases(*asked, end, Cancelled(claim=1, outputs=OUTPUTS)) is Phase.CANCELLED


def test_nobody_cancels_a_claimed_job_in_its_owners_stead() -> None:
    assert phases(Cancelled(claim=None)) is Phase.CANCELLED
    assert phases(Claim(owner="a"), Cancelled(claim=None)) is Phase.RUNNING


def test_a_third_claim_without_a_newer_checkpoint_is_poisoned() -> None:
    def poisoned(*records: Record) -> bool:
        return fold([OPENED, *records]).poisoned

    claim = Claim(owner="a")
    assert not poisoned(claim, claim)
    assert poisoned(claim, claim, claim)
    assert not poisoned(claim, claim, Checkpoint(claim=2, key="k", sha256="s"), claim)


def test_giving_a_job_back_is_not_losing_it() -> None:
    given_back = [record for slot in (1, 3, 5) for record in (Claim(owner="a"), Released(claim=slot))]
    assert not fold([OPENED, *given_back, Claim(owner="b")]).poisoned


def test_numbers_that_json_lacks_become_null() -> None:
    assert finite({"a": [math.nan, math.inf, 1.5], "b": True}) == {"a": [None, None, 1.5], "b": True}
    with pytest.raises(TypeError, match="object"):
        finite({"a": object()})
