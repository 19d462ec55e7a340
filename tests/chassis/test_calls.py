"""What surrounds every call: errors, request ids, identity, limits."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from sensorforge.common.v1 import job_service_pb2, job_service_pb2_grpc
from services.chassis.errors import ErrorKind, Reason, SensorForgeError, register_reasons

from .conftest import Start


def details(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    trailing = error.trailing_metadata()
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert status.details[0].Unpack(info)
    return info


async def get(channel: grpc.aio.Channel, name: str, **options: object) -> job_service_pb2.GetJobResponse:
    stub = job_service_pb2_grpc.JobServiceStub(channel)
    return await stub.GetJob(job_service_pb2.GetJobRequest(name=name), **options)


async def test_understood_error_of_a_unary_call_carries_reason_kind_and_remedy(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await get(channel, "understood")
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        info = details(caught.value)
        assert (info.reason, info.domain, info.metadata["kind"]) == ("INVALID_REQUEST", "sensorforge", "USAGE")
        assert info.metadata["remedy"]


async def test_understood_error_in_mid_stream_carries_its_reason(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for event in stub.WatchJob(job_service_pb2.WatchJobRequest(name="understood")):
                seen.append(event.sequence)
        assert seen == [1]
        assert details(caught.value).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("streaming", [False, True])
async def test_unknown_error_becomes_internal_and_leaks_nothing(start: Start, streaming: bool) -> None:
    async with start() as running, running.channel() as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            if streaming:
                async for _ in stub.WatchJob(job_service_pb2.WatchJobRequest(name="unknown")):
                    pass
            else:
                await get(channel, "unknown")
        assert caught.value.code() == grpc.StatusCode.INTERNAL
        assert "secret" not in (caught.value.details() or "")
        assert details(caught.value).metadata["request_id"]


async def test_request_id_of_the_caller_comes_back(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = stub.GetJob(job_service_pb2.GetJobRequest(name="x"), metadata=(("x-request-id", "abc-123"),))
        assert (await call.initial_metadata())["x-request-id"] == "abc-123"


async def test_hostile_request_id_is_replaced(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = stub.GetJob(job_service_pb2.GetJobRequest(name="x"), metadata=(("x-request-id", "a b{}" * 40),))
        assert " " not in (await call.initial_metadata())["x-request-id"]


async def test_call_without_the_token_is_refused_and_with_it_answered(start: Start) -> None:
    async with start(token="s3cret") as running, running.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await get(channel, "x", metadata=(("authorization", "Bearer wrong"),))
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        answer = await get(channel, "x", metadata=(("authorization", "Bearer s3cret"),))
        assert answer.job.name == "x"


async def test_unary_call_beyond_its_time_is_ended(start: Start) -> None:
    async with start(unary_deadline_seconds=0.05) as running, running.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await get(channel, "slow")
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_message_above_the_limit_is_refused(start: Start) -> None:
    async with start(max_message_bytes=4096) as running, running.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await get(channel, "x" * 5000)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_calls_answer_side_by_side(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        slow = asyncio.create_task(get(channel, "slow"))
        await running.behaviour.entered.wait()
        assert (await get(channel, "quick")).job.name == "quick"
        running.behaviour.release.set()
        assert (await slow).job.name == "slow"


def test_one_reason_has_one_meaning() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        register_reasons({"INTERNAL": Reason(ErrorKind.INPUT, "INTERNAL", "something else")})


def test_unregistered_reason_is_found_at_once() -> None:
    with pytest.raises(KeyError):
        SensorForgeError("NO_SUCH_REASON", "x")
