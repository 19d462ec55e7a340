"""RefineService: requests to derivations and the registry, answers to messages, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc

from sensorforge.common.v1 import job_pb2
from sensorforge.refine.v1 import refine_service_pb2 as pb
from sensorforge.refine.v1 import refine_service_pb2_grpc
from services.artifacts.clock import parse_utc
from services.artifacts.default_model import DefaultModel
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import check_machine, parse_name
from services.artifacts.servicer import artifact_to_proto
from services.chassis.errors import SensorForgeError
from services.chassis.identity import caller_of
from services.jobs.stage import StageContext
from services.machines.registry import Machines
from services.refine.augmentation.options import DEFAULT_ROWS as AUGMENTED_ROWS
from services.refine.augmentation.options import read_options
from services.refine.limits import MOST_ROWS
from services.refine.options import DEFAULT_ENGINE, TrainingOptions
from services.refine.registry import ModelEntry, ModelRegistry

Context = grpc.aio.ServicerContext[Any, Any]

SEED_ROWS = 10_000
SAMPLED_ROWS = 10_000
LONGEST_WORDS = 500  # characters of a text that only people read


class RefineServicer(refine_service_pb2_grpc.RefineServiceServicer):
    """Starts the stage's jobs and keeps the registry of models."""

    def __init__(self, stage: StageContext, revisions: Mapping[str, int]) -> None:
        self._stage = stage
        self._revisions = revisions
        self._machines = Machines(stage.store, stage.catalog)
        self._models = ModelRegistry(stage.catalog)

    # Jobs -------------------------------------------------------------------------------------------------------------

    async def StartSeed(  # noqa: N802
        self, request: pb.StartSeedRequest, context: Context
    ) -> pb.StartSeedResponse:
        spec = request.spec
        inputs = {"profile": await self._profile(request.machine, spec.profile)}
        if spec.source:
            inputs["source"] = spec.source
        params: dict[str, Any] = {"rows": _rows(spec.rows, SEED_ROWS)}
        if spec.imported_from:
            if not spec.source:
                raise SensorForgeError("INVALID_REQUEST", "imported_from is given, but no source was imported.")
            params["imported_from"] = _words("imported_from", spec.imported_from)
        job, reused = await self._start(request, "refine.seed", inputs, params, spec.seed, context)
        return pb.StartSeedResponse(job=job, reused=reused)

    async def StartTraining(  # noqa: N802
        self, request: pb.StartTrainingRequest, context: Context
    ) -> pb.StartTrainingResponse:
        spec = request.spec
        inputs = {"rows": spec.rows, "profile": await self._profile(request.machine, spec.profile)}
        options = _options(spec.options)
        params = {"options": options | {"engine": options["engine"] or DEFAULT_ENGINE}}
        job, reused = await self._start(request, "refine.train", inputs, params, spec.seed, context)
        return pb.StartTrainingResponse(job=job, reused=reused)

    async def StartRefinement(  # noqa: N802
        self, request: pb.StartRefinementRequest, context: Context
    ) -> pb.StartRefinementResponse:
        spec = request.spec
        inputs = {"rows": spec.rows, "profile": await self._profile(request.machine, spec.profile)}
        base = await asyncio.to_thread(self._models.resolve_base, check_machine(request.machine), spec.base_model)
        options = _options(spec.options)
        if base:
            inputs["base"] = base
        else:
            options["engine"] = options["engine"] or DEFAULT_ENGINE
        params: dict[str, Any] = {"options": options}
        if spec.choose_strategy:
            params["choose_strategy"] = True
        job, reused = await self._start(request, "refine.refine", inputs, params, spec.seed, context)
        return pb.StartRefinementResponse(job=job, reused=reused)

    async def StartSampling(  # noqa: N802
        self, request: pb.StartSamplingRequest, context: Context
    ) -> pb.StartSamplingResponse:
        spec = request.spec
        inputs = {"model": await self._model(request.machine, spec.model)}
        params = {"rows": _rows(spec.rows, SAMPLED_ROWS)}
        job, reused = await self._start(request, "refine.sample", inputs, params, spec.seed, context)
        return pb.StartSamplingResponse(job=job, reused=reused)

    async def StartAugmentation(  # noqa: N802
        self, request: pb.StartAugmentationRequest, context: Context
    ) -> pb.StartAugmentationResponse:
        spec = request.spec
        params: dict[str, Any] = {
            "rows": _rows(spec.rows, AUGMENTED_ROWS),
            "where": spec.where,
            "mix_real": spec.mix_real,
        }
        if spec.oversample or spec.share:
            params |= {"oversample": spec.oversample, "share": spec.share}
        read_options(params)
        inputs = {
            "model": await self._model(request.machine, spec.model),
            "profile": await self._profile(request.machine, spec.profile),
        }
        if spec.table:
            inputs["table"] = spec.table
        job, reused = await self._start(request, "refine.augment", inputs, params, spec.seed, context)
        return pb.StartAugmentationResponse(job=job, reused=reused)

    async def _start(
        self,
        request: Any,
        operation: str,
        inputs: Mapping[str, str],
        params: Mapping[str, Any],
        seed: int,
        context: Context,
    ) -> tuple[job_pb2.Job, bool]:
        check_machine(request.machine)
        await asyncio.to_thread(self._check_inputs, request.machine, inputs)
        derivation = Derivation(request.machine, operation, self._revisions[operation], inputs, params, seed)
        return await self._stage.start(derivation, context, request.request_id)

    def _check_inputs(self, machine: str, inputs: Mapping[str, str]) -> None:
        """Raises when an input is not named, is of another machine, or does not exist."""
        for role, name in inputs.items():
            if not name:
                raise SensorForgeError("INVALID_REQUEST", f"The request names no {role}.")
            if parse_name(name)[0] != machine:
                raise SensorForgeError("INVALID_REQUEST", f"{role} is {name}, which is not of machine {machine}.")
            self._stage.catalog.get(name)

    async def _profile(self, machine: str, profile: str) -> str:
        """Returns the profile artifact, the machine's current one where none is named."""
        if profile:
            return profile
        return (await asyncio.to_thread(self._machines.get, machine)).artifact

    async def _model(self, machine: str, model: str) -> str:
        resolved = await asyncio.to_thread(self._models.resolve_base, check_machine(machine), model)
        if not resolved:
            raise SensorForgeError("INVALID_REQUEST", "The request names no model.")
        return resolved

    # Registry ---------------------------------------------------------------------------------------------------------

    async def ListModels(  # noqa: N802
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        page, token = await asyncio.to_thread(
            self._models.list, check_machine(request.machine), request.page_size, request.page_token
        )
        return pb.ListModelsResponse(models=[model_to_proto(entry) for entry in page], next_page_token=token)

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        return pb.GetModelResponse(model=model_to_proto(await asyncio.to_thread(self._models.get, request.name)))

    async def GetDefaultModel(  # noqa: N802
        self, request: pb.GetDefaultModelRequest, context: Context
    ) -> pb.GetDefaultModelResponse:
        history = await asyncio.to_thread(self._models.defaults.history, check_machine(request.machine))
        return pb.GetDefaultModelResponse(
            current=default_to_proto(history[0] if history else DefaultModel()),
            history=[default_to_proto(entry) for entry in history],
        )

    async def ActivateModel(  # noqa: N802
        self, request: pb.ActivateModelRequest, context: Context
    ) -> pb.ActivateModelResponse:
        current, previous = await asyncio.to_thread(
            self._models.defaults.activate,
            check_machine(request.machine),
            request.model,
            request.expected_version,
            actor=caller_of(context),
            comparison=request.comparison,
            reason=request.reason or "activate",
            request_id=request.request_id,
        )
        return pb.ActivateModelResponse(current=default_to_proto(current), previous=default_to_proto(previous))

    async def RollbackModel(  # noqa: N802
        self, request: pb.RollbackModelRequest, context: Context
    ) -> pb.RollbackModelResponse:
        current, previous = await asyncio.to_thread(
            self._models.defaults.rollback,
            check_machine(request.machine),
            request.expected_version,
            request.to_version,
            actor=caller_of(context),
            request_id=request.request_id,
        )
        return pb.RollbackModelResponse(current=default_to_proto(current), previous=default_to_proto(previous))


def model_to_proto(entry: ModelEntry) -> pb.Model:
    """Returns a model as a message."""
    return pb.Model(
        artifact=artifact_to_proto(entry.manifest),
        engine=entry.engine,
        origin=entry.origin,
        is_default=entry.is_default,
        validation_loss=entry.validation_loss,
        base_model=entry.base_model,
        metrics=dict(entry.metrics),
    )


def default_to_proto(entry: DefaultModel) -> pb.DefaultModel:
    """Returns one entry of the default's history as a message."""
    message = pb.DefaultModel(
        model=entry.model,
        version=entry.version,
        actor=entry.actor,
        comparison=entry.comparison,
        reason=entry.reason,
    )
    if entry.created:
        message.create_time.FromDatetime(parse_utc(entry.created))
    return message


def _rows(asked: int, default: int) -> int:
    if not 0 <= asked <= MOST_ROWS:
        raise SensorForgeError("INVALID_REQUEST", f"rows is {asked}; it must lie between 1 and {MOST_ROWS:,}.")
    return asked or default


def _words(name: str, text: str) -> str:
    if len(text) > LONGEST_WORDS or not text.isprintable():
        raise SensorForgeError(
            "INVALID_REQUEST", f"{name} has {len(text)} characters; it is one line of at most {LONGEST_WORDS}."
        )
    return text


def _options(message: pb.TrainingOptions) -> dict[str, Any]:
    """Returns the options as params; raises TRAINING_OPTION_INVALID."""
    options = TrainingOptions(
        engine=message.engine,
        epochs=message.epochs,
        batch_size=message.batch_size,
        learning_rate=message.learning_rate,
        patience=message.patience,
        freeze_encoder=message.freeze_encoder,
        l2_sp=message.l2_sp,
        replay=message.replay,
        calibrate=message.calibrate if message.HasField("calibrate") else None,
        device=message.device,
    )
    options.check()
    return options.to_json()
