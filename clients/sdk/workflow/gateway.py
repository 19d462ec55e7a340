"""What a run needs of the services. `SensorForge` is one; tests script another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from clients.sdk.calls.started import Started
from clients.sdk.config import Stage
from clients.sdk.upload import LocalFile, Uploaded, UploadListener
from clients.sdk.watch import LinkListener
from sensorforge.artifacts.v1 import artifacts_pb2
from sensorforge.common.v1 import job_pb2, job_service_pb2
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.machines.v1 import machine_service_pb2, machines_pb2, run_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2

if TYPE_CHECKING:
    JobEvent = job_service_pb2.WatchJobResponse


class Gateway(Protocol):
    """The operations of `SensorForge` that a run uses; see there for what they return and raise."""

    async def register_machine(
        self, document: str, *, file_name: str = "", validate_only: bool = False
    ) -> machine_service_pb2.RegisterMachineResponse: ...

    async def get_machine(self, machine: str) -> machines_pb2.Machine: ...

    async def create_run(
        self, machine: str, *, title: str = "", request_id: str = ""
    ) -> run_service_pb2.CreateRunResponse: ...

    async def get_run(self, name: str) -> machines_pb2.Run: ...

    async def append_decision(
        self, run: str, decision: machines_pb2.Decision, *, expected_version: int = -1, request_id: str = ""
    ) -> machines_pb2.Run: ...

    async def upload(
        self, machine: str, file: Path | LocalFile, *, request_id: str = "", on_progress: UploadListener | None = None
    ) -> Uploaded: ...

    async def start_parse(
        self, machine: str, spec: ingest_service_pb2.ParseSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_validation(
        self, machine: str, spec: ingest_service_pb2.ValidationSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_cleaning(
        self, machine: str, spec: ingest_service_pb2.CleaningSpec, *, request_id: str = ""
    ) -> Started: ...

    async def suggest_mappings(
        self,
        machine: str = "",
        *,
        table: str = "",
        columns: Sequence[mapping_service_pb2.ColumnHint] = (),
        profile: str = "",
        profile_document: str = "",
    ) -> mapping_service_pb2.SuggestMappingsResponse: ...

    async def start_mapping(
        self, machine: str, spec: mapping_service_pb2.MappingSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_join(
        self, machine: str, spec: mapping_service_pb2.JoinSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_transform(
        self, machine: str, spec: mapping_service_pb2.TransformSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_merge(
        self, machine: str, spec: mapping_service_pb2.MergeSpec, *, request_id: str = ""
    ) -> Started: ...

    async def check_merge(self, machine: str, spec: mapping_service_pb2.MergeSpec) -> None: ...

    async def start_seed(self, machine: str, spec: refine_service_pb2.SeedSpec, *, request_id: str = "") -> Started: ...

    async def start_training(
        self, machine: str, spec: refine_service_pb2.TrainingSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_refinement(
        self, machine: str, spec: refine_service_pb2.RefinementSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_sampling(
        self, machine: str, spec: refine_service_pb2.SamplingSpec, *, request_id: str = ""
    ) -> Started: ...

    async def start_augmentation(
        self, machine: str, spec: refine_service_pb2.AugmentationSpec, *, request_id: str = ""
    ) -> Started: ...

    async def list_models(
        self, machine: str, *, page_size: int = 0, page_token: str = ""
    ) -> refine_service_pb2.ListModelsResponse: ...

    async def get_model(self, name: str) -> refine_service_pb2.Model: ...

    async def get_default_model(self, machine: str) -> refine_service_pb2.GetDefaultModelResponse: ...

    async def activate_model(
        self,
        machine: str,
        model: str,
        *,
        expected_version: int,
        comparison: str = "",
        reason: str = "activate",
        request_id: str = "",
    ) -> refine_service_pb2.ActivateModelResponse: ...

    async def start_comparison(
        self, machine: str, spec: compare_service_pb2.ComparisonSpec, *, request_id: str = ""
    ) -> Started: ...

    async def get_comparison(self, name: str) -> compare_service_pb2.GetComparisonResponse: ...

    async def get_artifact(self, name: str) -> artifacts_pb2.Artifact: ...

    async def read_json(self, artifact: str, file: str) -> Any: ...

    async def get_job(self, name: str, *, stage: Stage = "ingest") -> job_pb2.Job: ...

    def watch_job(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        on_link: LinkListener | None = None,
        heartbeats: bool = False,
        stage: Stage = "ingest",
    ) -> AsyncIterator[JobEvent]: ...
