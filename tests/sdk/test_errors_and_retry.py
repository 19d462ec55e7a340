"""Errors say what to do, and only what may succeed later is tried again, under one key."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from clients.sdk.client import SensorForge
from clients.sdk.config import ClientConfig, Endpoints, Retry
from clients.sdk.errors import ExitCode, SensorForgeClientError, from_failure
from sensorforge.common.v1 import job_pb2
from sensorforge.machines.v1 import machines_pb2, run_service_pb2, run_service_pb2_grpc
from sensorforge.refine.v1 import refine_service_pb2, refine_service_pb2_grpc


class Refine(refine_service_pb2_grpc.RefineServiceServicer):
    """Refuses `refusals` calls with a status, then accepts; remembers the keys."""

    def __init__(self, refuse: Any, refusals: int, code: grpc.StatusCode, reason: str, kind: str) -> None:
        self.keys: list[str] = []
        self._refuse, self._refusals, self._how = refuse, refusals, (code, reason, kind)

    async def StartRefinement(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.keys.append(request.request_id)
        if len(self.keys) <= self._refusals:
            await self._refuse(context, *self._how, message="column TT_1 is text", remedy="Export numbers.")
        return refine_service_pb2.StartRefinementResponse(job=job_pb2.Job(name="machines/pump/jobs/1"))


def served(servicer: Refine) -> tuple[Any, Any]:
    return refine_service_pb2_grpc.add_RefineServiceServicer_to_server, servicer


async def test_a_logical_call_keeps_one_idempotency_key_across_retries(connect: Any, refuse: Any) -> None:
    servicer = Refine(refuse, 3, grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", "UNAVAILABLE")
    forge = await connect(served(servicer))
    started = await forge.start_refinement("pump", refine_service_pb2.RefinementSpec())
    assert started.job.name == "machines/pump/jobs/1"
    assert len(servicer.keys) == 4
    assert len(set(servicer.keys)) == 1
    assert servicer.keys[0]


async def test_two_logical_calls_have_two_keys(connect: Any, refuse: Any) -> None:
    servicer = Refine(refuse, 0, grpc.StatusCode.OK, "", "")
    forge = await connect(served(servicer))
    await forge.start_refinement("pump", refine_service_pb2.RefinementSpec())
    await forge.start_refinement("pump", refine_service_pb2.RefinementSpec())
    assert len(set(servicer.keys)) == 2


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "ROWS_TOO_FEW", "INPUT"),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "USAGE"),
        (grpc.StatusCode.ABORTED, "DEFAULT_CHANGED", "CONFLICT"),
        (grpc.StatusCode.INTERNAL, "INTERNAL", "INTERNAL"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "FILE_TOO_LARGE", "INPUT"),
    ],
)
async def test_what_cannot_succeed_later_is_not_tried_again(
    connect: Any, refuse: Any, code: grpc.StatusCode, reason: str, kind: str
) -> None:
    servicer = Refine(refuse, 9, code, reason, kind)
    forge = await connect(served(servicer))
    with pytest.raises(SensorForgeClientError) as caught:
        await forge.start_refinement("pump", refine_service_pb2.RefinementSpec())
    assert len(servicer.keys) == 1
    assert (caught.value.reason, caught.value.kind, caught.value.status) == (reason, kind, code.name)
    assert caught.value.message == "column TT_1 is text"
    assert caught.value.remedy == "Export numbers."
    assert caught.value.metadata == {"column": "TT_1"}


async def test_a_busy_service_is_asked_again_until_the_attempts_are_spent(connect: Any, refuse: Any) -> None:
    servicer = Refine(refuse, 99, grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY", "UNAVAILABLE")
    forge = await connect(served(servicer))
    with pytest.raises(SensorForgeClientError) as caught:
        await forge.start_refinement("pump", refine_service_pb2.RefinementSpec())
    assert len(servicer.keys) == forge.config.retry.attempts
    assert caught.value.exit_code == ExitCode.UNREACHABLE


async def test_an_unreachable_endpoint_is_named() -> None:
    config = ClientConfig(Endpoints.single("127.0.0.1:1"), retry=Retry(attempts=2, first_s=0.001))
    async with SensorForge(config) as forge:
        with pytest.raises(SensorForgeClientError) as caught:
            await forge.list_machines()
    assert caught.value.reason == "UNREACHABLE"
    assert "127.0.0.1:1" in caught.value.message
    assert caught.value.exit_code == ExitCode.UNREACHABLE


class Runs(run_service_pb2_grpc.RunServiceServicer):
    """Carries a decision out and loses the answer once."""

    def __init__(self) -> None:
        self.decisions: dict[str, str] = {}
        self.attempts = 0

    async def AppendDecision(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.attempts += 1
        self.decisions.setdefault(request.request_id, request.decision.step)
        if self.attempts == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        return run_service_pb2.AppendDecisionResponse(run=machines_pb2.Run(name=request.name))


async def test_a_lost_answer_does_not_repeat_the_deed(connect: Any) -> None:
    servicer = Runs()
    forge = await connect((run_service_pb2_grpc.add_RunServiceServicer_to_server, servicer))
    await forge.append_decision("machines/pump/runs/1", machines_pb2.Decision(step="map"))
    assert servicer.attempts == 2
    assert list(servicer.decisions.values()) == ["map"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (job_pb2.ERROR_KIND_INPUT, ExitCode.INPUT_REJECTED),
        (job_pb2.ERROR_KIND_REVIEW, ExitCode.NEEDS_REVIEW),
        (job_pb2.ERROR_KIND_GATE, ExitCode.GATE_NOT_MET),
        (job_pb2.ERROR_KIND_CONFLICT, ExitCode.CONFLICT),
        (job_pb2.ERROR_KIND_USAGE, ExitCode.USAGE),
        (job_pb2.ERROR_KIND_UNAVAILABLE, ExitCode.UNREACHABLE),
        (job_pb2.ERROR_KIND_INTERNAL, ExitCode.FAILED),
        (job_pb2.ERROR_KIND_NOT_FOUND, ExitCode.FAILED),
        (job_pb2.ERROR_KIND_UNSPECIFIED, ExitCode.FAILED),
    ],
)
def test_the_kind_of_a_failed_job_decides_the_exit_code(kind: job_pb2.ErrorKind, code: ExitCode) -> None:
    error = from_failure(job_pb2.Failure(reason="X", message="m", kind=kind), "machines/pump/jobs/1")
    assert error.exit_code == code
    assert error.metadata["job"] == "machines/pump/jobs/1"


def test_backoff_grows_to_its_limit_and_jitter_only_shortens_it() -> None:
    retry = Retry(first_s=0.2, factor=2, longest_s=1, jitter=0.5)
    assert [retry.wait_s(n, 0) for n in range(5)] == [0.2, 0.4, 0.8, 1, 1]
    assert all(retry.wait_s(n, 0.999) >= retry.wait_s(n, 0) / 2 for n in range(5))


def test_four_endpoints_must_all_be_named() -> None:
    four = Endpoints.parse("ingest=a:1,mapping=b:2,refine=c:3,compare=d:4")
    assert four.of("refine") == "c:3"
    with pytest.raises(ValueError, match="compare"):
        Endpoints.parse("ingest=a:1,mapping=b:2,refine=c:3")
