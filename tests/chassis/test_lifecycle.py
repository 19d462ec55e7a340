"""Starting, health, secrets on the wire, and stopping without losing a call."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sensorforge.common.v1 import job_service_pb2, job_service_pb2_grpc
from services.chassis.errors import SensorForgeError
from services.chassis.health import HealthMonitor, Readiness
from services.chassis.settings import ServerSettings, is_local

from .conftest import NAME, Start

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(channel: grpc.aio.Channel, name: str = NAME) -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return int(answer.status)


async def test_health_is_reported_per_service(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        assert await health_of(channel) == SERVING
        assert await health_of(channel, "") == SERVING
        assert await health_of(channel, "grpc.health.v1.Health") == SERVING


async def test_a_service_that_is_not_ready_says_so() -> None:
    ready = False

    async def check() -> bool:
        return ready

    monitor = HealthMonitor([Readiness(("a",), check), Readiness(("b",), None)])
    assert not await monitor.refresh()
    request = health_pb2.HealthCheckRequest
    assert (await monitor.servicer.Check(request(service="a"), None)).status == NOT_SERVING
    assert (await monitor.servicer.Check(request(service="b"), None)).status == SERVING
    ready = True
    assert await monitor.refresh()
    assert (await monitor.servicer.Check(request(service="a"), None)).status == SERVING


async def test_health_flips_before_calls_are_drained(start: Start) -> None:
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    channel: grpc.aio.Channel | None = None

    async def stopping() -> None:
        assert channel is not None
        seen.set_result(await health_of(channel))

    async with start(on_stop=stopping) as running:
        channel = running.channel()
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = asyncio.ensure_future(stub.GetJob(job_service_pb2.GetJobRequest(name="slow")))
        await running.behaviour.entered.wait()
        running.stop.set()
        assert await seen == NOT_SERVING
        running.behaviour.release.set()
        assert (await call).job.name == "slow"
        assert await running.task == 0
        await channel.close()


async def test_reflection_lists_the_services(start: Start) -> None:
    async with start() as running, running.channel() as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)

        async def ask() -> object:
            yield reflection_pb2.ServerReflectionRequest(list_services="")

        async for answer in stub.ServerReflectionInfo(ask()):
            assert NAME in {s.name for s in answer.list_services_response.service}


async def test_plaintext_beyond_this_machine_is_refused_unless_told(start: Start) -> None:
    with pytest.raises(SensorForgeError, match="refusing to listen"):
        async with start(listen="0.0.0.0:0"):
            pass
    ServerSettings(listen="0.0.0.0:0", insecure=True).check_bind()


@pytest.mark.parametrize(
    ("listen", "local"),
    [
        *[(local, True) for local in ("127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/x")],
        *[(remote, False) for remote in ("0.0.0.0:1", "[::]:1", "plant.example:1")],
    ],
)
def test_only_loopback_and_sockets_count_as_local(listen: str, local: bool) -> None:
    assert is_local(listen) is local


async def test_mutual_tls_admits_only_clients_of_the_authority(start: Start, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    server, client, other = (
        authority.issue_cert("localhost"),
        authority.issue_cert("client"),
        stranger.issue_cert("client"),
    )
    for name, blob in {
        "cert": server.cert_chain_pems[0],
        "key": server.private_key_pem,
        "ca": authority.cert_pem,
    }.items():
        blob.write_to_path(tmp_path / name)
    async with start(
        listen="localhost:0", tls_cert=tmp_path / "cert", tls_key=tmp_path / "key", tls_client_ca=tmp_path / "ca"
    ) as running:
        for leaf, admitted in ((client, True), (other, False)):
            credentials = grpc.ssl_channel_credentials(
                authority.cert_pem.bytes(), leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes()
            )
            async with grpc.aio.secure_channel(running.endpoint, credentials) as channel:
                call = job_service_pb2_grpc.JobServiceStub(channel).GetJob(job_service_pb2.GetJobRequest(name="x"))
                if admitted:
                    assert (await call).job.name == "x"
                else:
                    with pytest.raises(grpc.aio.AioRpcError):
                        await call


async def test_unix_socket_is_private_and_ready_file_says_where(start: Start, tmp_path: Path) -> None:
    socket, ready = tmp_path / "s", tmp_path / "ready.json"
    async with start(listen=f"unix:{socket}", ready_file=ready) as running, running.channel() as channel:
        assert await health_of(channel) == SERVING
        assert socket.stat().st_mode & 0o077 == 0
        assert json.loads(ready.read_text())["endpoint"] == f"unix:{socket}"
    assert not ready.exists()


async def test_taken_port_is_a_clear_refusal(start: Start) -> None:
    async with start() as running:
        with pytest.raises(SensorForgeError, match="cannot listen"):
            async with start(listen=running.endpoint):
                pass


@pytest.mark.parametrize("settings", [{"tls_cert": "a"}, {"tls_client_ca": "a"}])
def test_half_of_a_tls_setting_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tls"):
        ServerSettings(**settings)


def test_a_wrong_variable_is_named_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORFORGE_DRAIN_SECONDS", "soon")
    with pytest.raises(SensorForgeError, match="SENSORFORGE_DRAIN_SECONDS"):
        ServerSettings.load()
