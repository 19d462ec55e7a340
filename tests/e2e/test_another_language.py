"""A client that is not ours and not Python: buf (Go), by reflection alone, as another system would call us."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2

from tests.e2e.processes import Cluster, cluster

PROFILE = """
machine_id: pump-7
category: pump
sensors:
  - {name: discharge_pressure_bar, unit: bar, min: 0, max: 16}
  - {name: motor_current_A, unit: A, min: 0, max: 90}
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("services")
    with cluster(str(folder / "store"), folder) as running:
        yield running


def call(endpoint: str, method: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    buf = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")
    assert buf, "buf comes with the development extras (buf-bin)"
    done = subprocess.run(
        [
            buf,
            "curl",
            "--protocol=grpc",
            "--http2-prior-knowledge",
            "-d",
            json.dumps(request),
            f"http://{endpoint}/{method}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    text = done.stdout if done.returncode == 0 else done.stderr
    return done.returncode, json.loads(text)


def test_register_and_read_a_machine_without_our_code(services: Cluster) -> None:
    ingest = services.stages["ingest"].endpoint
    code, answer = call(
        ingest, "sensorforge.machines.v1.MachineService/RegisterMachine", {"document": PROFILE, "fileName": "p.yaml"}
    )
    assert code == 0, answer
    assert answer["machine"]["machineId"] == "pump-7"
    code, answer = call(ingest, "sensorforge.machines.v1.MachineService/GetMachine", {"name": "machines/pump-7"})
    assert code == 0, answer
    assert [s["unit"] for s in answer["machine"]["sensors"]] == ["bar", "A"]


def test_a_refusal_carries_reason_and_remedy(services: Cluster) -> None:
    code, answer = call(
        services.stages["ingest"].endpoint,
        "sensorforge.machines.v1.MachineService/RegisterMachine",
        {"document": PROFILE.replace("unit: bar", "unit: furlong"), "fileName": "p.yaml"},
    )
    assert code != 0
    assert "furlong" in answer["message"]
    assert "line 5" in answer["message"]
    detail = answer["details"][0]
    assert detail["type"] == "google.rpc.ErrorInfo"
    packed = detail["value"] + "=" * (-len(detail["value"]) % 4)  # Connect's JSON leaves the padding out
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(packed))
    assert info.reason == "PROFILE_INVALID"
    assert info.metadata["remedy"]


@pytest.mark.parametrize("stage", ["ingest", "mapping", "refine", "compare"])
def test_every_stage_is_healthy_and_serves_artifacts_and_jobs(services: Cluster, stage: str) -> None:
    endpoint = services.stages[stage].endpoint
    code, answer = call(endpoint, "grpc.health.v1.Health/Check", {"service": ""})
    assert (code, answer) == (0, {"status": "SERVING"})
    for method in ("artifacts.v1.ArtifactService/GetArtifact", "common.v1.JobService/GetJob"):
        kind = "reports" if "Artifact" in method else "jobs"
        code, answer = call(endpoint, f"sensorforge.{method}", {"name": f"machines/pump-7/{kind}/{'0' * 64}"})
        assert answer["code"] == "not_found"
