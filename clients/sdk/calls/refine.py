"""RefineService: seed, train, refine, sample, augment, and the model registry."""

from __future__ import annotations

from clients.sdk.calls.started import Started
from clients.sdk.link import Link, new_request_id
from sensorforge.refine.v1 import refine_service_pb2, refine_service_pb2_grpc


class RefineCalls(Link):
    """Operations of RefineService."""

    @property
    def _refine(self) -> refine_service_pb2_grpc.RefineServiceAsyncStub:
        return refine_service_pb2_grpc.RefineServiceStub(self.channel("refine"))

    async def start_seed(self, machine: str, spec: refine_service_pb2.SeedSpec, *, request_id: str = "") -> Started:
        """Starts making seed rows from a profile (output role "rows")."""
        request = refine_service_pb2.StartSeedRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("refine", self._refine.StartSeed, request)
        return Started(answer.job, answer.reused)

    async def start_training(
        self, machine: str, spec: refine_service_pb2.TrainingSpec, *, request_id: str = ""
    ) -> Started:
        """Starts training a model on seed rows (output role "model")."""
        request = refine_service_pb2.StartTrainingRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("refine", self._refine.StartTraining, request)
        return Started(answer.job, answer.reused)

    async def start_refinement(
        self, machine: str, spec: refine_service_pb2.RefinementSpec, *, request_id: str = ""
    ) -> Started:
        """Starts refining a model on merged rows (output role "model")."""
        request = refine_service_pb2.StartRefinementRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("refine", self._refine.StartRefinement, request)
        return Started(answer.job, answer.reused)

    async def start_sampling(
        self, machine: str, spec: refine_service_pb2.SamplingSpec, *, request_id: str = ""
    ) -> Started:
        """Starts sampling independent rows from a model (output role "rows")."""
        request = refine_service_pb2.StartSamplingRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("refine", self._refine.StartSampling, request)
        return Started(answer.job, answer.reused)

    async def start_augmentation(
        self, machine: str, spec: refine_service_pb2.AugmentationSpec, *, request_id: str = ""
    ) -> Started:
        """Starts generating ordered data sets (output role "sets")."""
        request = refine_service_pb2.StartAugmentationRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("refine", self._refine.StartAugmentation, request)
        return Started(answer.job, answer.reused)

    async def list_models(
        self, machine: str, *, page_size: int = 0, page_token: str = ""
    ) -> refine_service_pb2.ListModelsResponse:
        """Returns a page of a machine's models, newest first."""
        request = refine_service_pb2.ListModelsRequest(machine=machine, page_size=page_size, page_token=page_token)
        return await self.call("refine", self._refine.ListModels, request)

    async def get_model(self, name: str) -> refine_service_pb2.Model:
        """Returns a model."""
        request = refine_service_pb2.GetModelRequest(name=name)
        return (await self.call("refine", self._refine.GetModel, request)).model

    async def get_default_model(self, machine: str) -> refine_service_pb2.GetDefaultModelResponse:
        """Returns the machine's default model with its history; version 0 when there is none."""
        request = refine_service_pb2.GetDefaultModelRequest(machine=machine)
        return await self.call("refine", self._refine.GetDefaultModel, request)

    async def activate_model(
        self,
        machine: str,
        model: str,
        *,
        expected_version: int,
        comparison: str = "",
        reason: str = "activate",
        request_id: str = "",
    ) -> refine_service_pb2.ActivateModelResponse:
        """Makes a model the default, if the default is still at `expected_version`."""
        request = refine_service_pb2.ActivateModelRequest(
            machine=machine,
            model=model,
            expected_version=expected_version,
            comparison=comparison,
            reason=reason,
            request_id=request_id or new_request_id(),
        )
        return await self.call("refine", self._refine.ActivateModel, request)

    async def rollback_model(
        self, machine: str, *, expected_version: int, to_version: int = 0, request_id: str = ""
    ) -> refine_service_pb2.RollbackModelResponse:
        """Makes an earlier default (the one before, unless told) the default again, as a new version."""
        request = refine_service_pb2.RollbackModelRequest(
            machine=machine,
            expected_version=expected_version,
            to_version=to_version,
            request_id=request_id or new_request_id(),
        )
        return await self.call("refine", self._refine.RollbackModel, request)
