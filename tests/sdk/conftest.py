"""Fake services for the SDK's tests: gRPC servers that answer as a test scripts them, and a scripted gateway."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from clients.sdk.calls.started import Started
from clients.sdk.client import SensorForge
from clients.sdk.config import ClientConfig, Deadlines, Endpoints, Retry
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan
from clients.sdk.upload import Uploaded
from sensorforge.artifacts.v1 import artifacts_pb2
from sensorforge.common.v1 import job_pb2, job_service_pb2
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.machines.v1 import machine_service_pb2, machines_pb2, run_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2

QUICK = Retry(attempts=5, first_s=0.001, longest_s=0.005)


def rich_status(
    code: grpc.StatusCode, reason: str, kind: str, message: str = "it failed", remedy: str = "do this"
) -> tuple[tuple[str, bytes], ...]:
    """Returns trailing metadata with google.rpc.Status as the services send it."""
    packed = any_pb2.Any()
    packed.Pack(
        error_details_pb2.ErrorInfo(
            reason=reason, domain="sensorforge", metadata={"kind": kind, "remedy": remedy, "column": "TT_1"}
        )
    )
    status = status_pb2.Status(code=code.value[0], message=message, details=[packed])
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def refuse(
    context: grpc.aio.ServicerContext[Any, Any], code: grpc.StatusCode, reason: str, kind: str, **words: str
) -> None:
    """Ends a call as the services' error interceptor does."""
    await context.abort(code, words.get("message", "it failed"), rich_status(code, reason, kind, **words))


@pytest.fixture(name="refuse")
def _refuse() -> Callable[..., Awaitable[None]]:
    return refuse


Connect = Callable[..., Awaitable[SensorForge]]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Connect]:
    """Returns a function that serves servicers on a socket and returns a client of it.

    Call it with (adder, servicer) pairs; `silence_s` and `lost_s` set the client's deadlines.
    """
    async with AsyncExitStack() as stack:
        number = 0

        async def make(
            *services: tuple[Callable[..., None], Any], silence_s: float = 5, lost_s: float = 5
        ) -> SensorForge:
            nonlocal number
            number += 1
            server = grpc.aio.server()
            for add, servicer in services:
                add(servicer, server)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            stack.push_async_callback(server.stop, 0)
            config = ClientConfig(
                Endpoints.single(f"127.0.0.1:{port}"),
                retry=QUICK,
                deadlines=Deadlines(call_s=5, finish_s=5, silence_s=silence_s, lost_s=lost_s),
            )
            return await stack.enter_async_context(SensorForge(config))

        yield make


def succeeded(name: str, outputs: dict[str, str]) -> job_pb2.Job:
    """Returns a finished job."""
    return job_pb2.Job(
        name=name,
        state=job_pb2.JOB_STATE_SUCCEEDED,
        outputs=[job_pb2.JobOutput(role=role, artifact=artifact) for role, artifact in outputs.items()],
    )


class FakeGateway:
    """A whole SensorForge in memory, as far as a run can tell: jobs are derivations that succeed when watched.

    `calls` are the operations in order with their specs; `failures` maps an operation to the failure of its job;
    `validation` is what every validation report says; `gates` is the outcome of every gate.
    """

    OUTPUTS: ClassVar[dict[str, dict[str, str]]] = {
        "parse": {"table": "clean"},
        "validation": {"report": "reports"},
        "mapping": {"table": "processed"},
        "join": {"table": "processed"},
        "cleaning": {"table": "clean"},
        "transform": {"table": "processed"},
        "seed": {"rows": "seeds"},
        "training": {"model": "models"},
        "merge": {"rows": "merged"},
        "refinement": {"model": "models"},
        "sampling": {"rows": "augmented"},
        "augmentation": {"sets": "augmented"},
        "comparison": {"report": "reports"},
    }

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.finished: dict[str, job_pb2.Job] = {}
        self.runs: dict[str, machines_pb2.Run] = {}
        self.failures: dict[str, job_pb2.Failure] = {}
        self.validation: dict[str, Any] = {"validation_passed": True, "errors": [], "warnings": []}
        self.default = refine_service_pb2.DefaultModel()
        self.gate = compare_service_pb2.GATE_OUTCOME_PASS
        self.sensors = [
            machines_pb2.Sensor(name="bearing_temp_C", unit="°C", required=True, role="measurement"),
            machines_pb2.Sensor(name="current_A", unit="A", role="measurement", aliases=["Strom"]),
        ]
        self.suggestions = [
            suggestion("time", "timestamp"),
            suggestion("TT_1", "sensor", "bearing_temp_C"),
            suggestion("Strom", "sensor", "current_A"),
            suggestion("note", "auxiliary", tier=mapping_service_pb2.TIER_NONE),
        ]

    def operations(self) -> list[str]:
        """Returns the operations that started work, in order."""
        return [name for name, _ in self.calls]

    def spec(self, operation: str) -> Any:
        """Returns the spec of the last call of an operation."""
        return next(spec for name, spec in reversed(self.calls) if name == operation)

    @property
    def machine(self) -> machines_pb2.Machine:
        return machines_pb2.Machine(
            name="machines/pump", machine_id="pump", profile="machines/pump/profiles/p1", sensors=self.sensors
        )

    async def register_machine(self, document: str, **_: Any) -> machine_service_pb2.RegisterMachineResponse:
        return machine_service_pb2.RegisterMachineResponse(machine=self.machine)

    async def get_machine(self, machine: str) -> machines_pb2.Machine:
        return self.machine

    async def create_run(self, machine: str, *, title: str = "", request_id: str = "") -> Any:
        name = f"machines/{machine}/runs/{hashlib.sha256(request_id.encode()).hexdigest()[:12]}"
        existed = name in self.runs
        run = self.runs.setdefault(name, machines_pb2.Run(name=name, title=title))
        return run_service_pb2.CreateRunResponse(run=run, existed=existed)

    async def get_run(self, name: str) -> machines_pb2.Run:
        return self.runs[name]

    async def append_decision(self, run: str, decision: machines_pb2.Decision, **_: Any) -> machines_pb2.Run:
        self.runs[run].decisions.append(decision)
        self.runs[run].version += 1
        return self.runs[run]

    async def upload(self, machine: str, file: Any, *, request_id: str = "", on_progress: Any = None) -> Uploaded:
        self.calls.append(("upload", file))
        return Uploaded(artifacts_pb2.Artifact(name=f"machines/{machine}/raw/{file.sha256[:12]}"), False)

    async def suggest_mappings(self, machine: str = "", **_: Any) -> mapping_service_pb2.SuggestMappingsResponse:
        return mapping_service_pb2.SuggestMappingsResponse(suggestions=self.suggestions, profile_fit=1)

    async def check_merge(self, machine: str, spec: mapping_service_pb2.MergeSpec) -> None:
        self.calls.append(("check_merge", spec))
        if "check_merge" in self.failures:
            raise SensorForgeClientError("MERGE_TOO_FEW_ROWS", "700 rows", kind="INPUT")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("start_"):
            raise AttributeError(name)
        operation = name.removeprefix("start_")

        async def start(machine: str, spec: Any, *, request_id: str = "") -> Started:
            self.calls.append((operation, spec))
            identity = hashlib.sha256(operation.encode() + spec.SerializeToString(deterministic=True)).hexdigest()[:12]
            job = f"machines/{machine}/jobs/{identity}"
            if job in self.finished:
                return Started(self.finished[job], True)
            return Started(job_pb2.Job(name=job, operation=operation, state=job_pb2.JOB_STATE_PENDING), False)

        return start

    async def watch_job(self, name: str, **_: Any) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        event = job_service_pb2.WatchJobResponse
        operation = next(op for op, spec in reversed(self.calls) if op != "upload" and self._job(op, spec) == name)
        yield event(sequence=1, state=job_pb2.Job(name=name, state=job_pb2.JOB_STATE_RUNNING))
        yield event(sequence=2, progress=job_pb2.Progress(phase="working", done=1, total=2))
        if operation in ("training", "refinement"):
            yield event(sequence=3, epoch=job_pb2.Epoch(epoch=1, epochs=2, train_loss=1, validation_loss=1))
        if operation in self.failures:
            final = job_pb2.Job(name=name, state=job_pb2.JOB_STATE_FAILED, failure=self.failures[operation])
        else:
            identity = name.rsplit("/", 1)[-1]
            outputs = {role: f"machines/pump/{kind}/{identity}" for role, kind in self.OUTPUTS[operation].items()}
            final = self.finished[name] = succeeded(name, outputs)
        yield event(sequence=4, final=final)

    @staticmethod
    def _job(operation: str, spec: Any) -> str:
        identity = hashlib.sha256(operation.encode() + spec.SerializeToString(deterministic=True)).hexdigest()[:12]
        return f"machines/pump/jobs/{identity}"

    async def get_job(self, name: str, **_: Any) -> job_pb2.Job:
        return self.finished[name]

    async def get_artifact(self, name: str) -> artifacts_pb2.Artifact:
        files = [
            artifacts_pb2.ArtifactFile(name=file, rows=rows, columns=[artifacts_pb2.Column(name="x")])
            for file, rows in (
                ("table.parquet", 1000), ("processed.parquet", 1000), ("holdout.parquet", 150),
                ("train.parquet", 35000), ("val.parquet", 7500), ("test.parquet", 7500),
            )
        ]  # fmt: skip
        return artifacts_pb2.Artifact(name=name, files=files)

    async def read_json(self, artifact: str, file: str) -> Any:
        return json.loads(json.dumps(self.validation if file == "validation.json" else {"cells_changed": 3}))

    async def get_model(self, name: str) -> refine_service_pb2.Model:
        return refine_service_pb2.Model(artifact=artifacts_pb2.Artifact(name=name), validation_loss=0.5)

    async def list_models(self, machine: str, **_: Any) -> refine_service_pb2.ListModelsResponse:
        models = [refine_service_pb2.Model(artifact=artifacts_pb2.Artifact(name=f"machines/{machine}/models/abc123"))]
        return refine_service_pb2.ListModelsResponse(models=models)

    async def get_default_model(self, machine: str) -> refine_service_pb2.GetDefaultModelResponse:
        return refine_service_pb2.GetDefaultModelResponse(current=self.default)

    async def activate_model(self, machine: str, model: str, *, expected_version: int, **words: Any) -> Any:
        self.calls.append(("activate", words.get("reason", "activate")))
        if expected_version != self.default.version:
            raise SensorForgeClientError("DEFAULT_CHANGED", "the default changed", kind="CONFLICT")
        previous, self.default = (
            self.default,
            refine_service_pb2.DefaultModel(
                model=model, version=expected_version + 1, reason=words.get("reason", "activate")
            ),
        )
        return refine_service_pb2.ActivateModelResponse(current=self.default, previous=previous)

    async def get_comparison(self, name: str) -> compare_service_pb2.GetComparisonResponse:
        return compare_service_pb2.GetComparisonResponse(
            recommendation=compare_service_pb2.RECOMMENDATION_USE_REFINED,
            verdict="Use the refined model.",
            gates=[compare_service_pb2.Gate(name="kl_divergence", limit=0.1, outcome=self.gate)],
        )


def suggestion(
    column: str,
    role: str,
    sensor: str = "",
    tier: mapping_service_pb2.Tier = mapping_service_pb2.TIER_AUTO,
    **more: Any,
) -> mapping_service_pb2.Suggestion:
    """Returns a suggestion for one column."""
    return mapping_service_pb2.Suggestion(
        column=column, role=role, sensor=sensor, tier=tier, confidence=more.pop("confidence", 0.9), **more
    )


@pytest.fixture(name="suggestion")
def _suggestion() -> Callable[..., mapping_service_pb2.Suggestion]:
    return suggestion


@pytest.fixture
def gateway() -> FakeGateway:
    """Returns a fresh scripted gateway."""
    return FakeGateway()


@pytest.fixture
def job_of() -> Callable[[str, dict[str, str]], job_pb2.Job]:
    """Returns the maker of finished jobs."""
    return succeeded


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives the test a home directory of its own."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("SENSORFORGE_STORE", raising=False)
    monkeypatch.delenv("SENSORFORGE_ENDPOINT", raising=False)
    return tmp_path


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "data.csv").write_text("time,TT_1,Strom,note\n1,2,3,x\n")
    (tmp_path / "pump.yaml").write_text("machine_id: pump\nsensors: [{name: bearing_temp_C}]\n")
    return Plan(files=(str(tmp_path / "data.csv"),), profile=str(tmp_path / "pump.yaml"))
