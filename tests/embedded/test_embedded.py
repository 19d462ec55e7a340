"""The embedded process: all stages on one private endpoint."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.embedded.__main__ import settings_of, socket_home
from services.embedded.compose import STAGES
from services.jobs.assignment import load_operations
from services.jobs.stage import Stage

SERVICES = (
    "sensorforge.ingest.v1.IngestService",
    "sensorforge.mapping.v1.MappingService",
    "sensorforge.refine.v1.RefineService",
    "sensorforge.compare.v1.CompareService",
    "sensorforge.machines.v1.MachineService",
    "sensorforge.machines.v1.RunService",
    "sensorforge.artifacts.v1.ArtifactService",
    "sensorforge.common.v1.JobService",
)


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENSORFORGE_LISTEN", raising=False)


def test_a_private_socket_has_a_path_short_enough_to_bind(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    assert socket_home({"XDG_RUNTIME_DIR": str(long)}) == Path("/tmp")
    assert socket_home({"XDG_RUNTIME_DIR": "/var/tmp"}) == Path("/var/tmp")
    assert socket_home({}) == Path("/tmp")


def test_the_command_line_is_stronger_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of([], "unix:/x").listen == "unix:/x"
    monkeypatch.setenv("SENSORFORGE_STORE", "/from/environment")
    monkeypatch.setenv("SENSORFORGE_LISTEN", "127.0.0.1:7")
    assert settings_of([], "unix:/x").store == "/from/environment"
    assert settings_of([], "unix:/x").listen == "127.0.0.1:7"
    given = settings_of(["--store", "/given", "--listen", "127.0.0.1:0", "--workers", "0"], "unix:/x")
    assert (given.store, given.listen, given.workers) == ("/given", "127.0.0.1:0", 0)


def test_a_wrong_setting_ends_with_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        settings_of(["--workers", "many"], "unix:/x")
    assert raised.value.code == 2
    assert "workers" in capsys.readouterr().err


def test_all_four_stages_are_composed_and_no_operation_has_two_homes() -> None:
    assert [stage.name for stage in STAGES] == ["ingest", "mapping", "refine", "compare"]
    operations = [operation for stage in STAGES for operation in stage.revisions]
    assert len(operations) == len(set(operations)) == 13


def test_composing_the_stages_loads_no_numerical_library_of_a_worker() -> None:
    heavy = "torch", "sklearn", "sdmetrics"
    program = f"import sys, services.embedded.compose; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_it_announces_itself_serves_everything_and_leaves_cleanly(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    arguments = ["--store", str(tmp_path / "store"), "--ready-file", str(ready), "--workers", "1"]
    process = subprocess.Popen([sys.executable, "-P", "-m", "services.embedded", *arguments], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service did not announce itself"
            time.sleep(0.02)
        announced = json.loads(ready.read_text())
        assert announced["pid"] == process.pid
        place = Path(announced["endpoint"].removeprefix("unix:")).parent
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        with grpc.insecure_channel(announced["endpoint"]) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            for service in SERVICES:
                answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not ready.exists()
        assert not place.exists()
    finally:
        process.kill()
        process.wait()


def test_a_store_that_cannot_be_opened_is_one_paragraph_and_no_traceback(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    command = [sys.executable, "-P", "-m", "services.embedded", "--store", str(blocked / "store")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    assert "STORE_UNAVAILABLE" in ended.stderr


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_revision_that_a_stage_promises_has_an_operation(stage: Stage) -> None:
    assert set(stage.supported()) <= set(load_operations(stage.operations))
