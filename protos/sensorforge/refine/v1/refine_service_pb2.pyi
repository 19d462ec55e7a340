import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sensorforge.artifacts.v1 import artifacts_pb2 as _artifacts_pb2
from sensorforge.common.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SeedSpec(_message.Message):
    __slots__ = ("profile", "rows", "seed", "source", "imported_from")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FROM_FIELD_NUMBER: _ClassVar[int]
    profile: str
    rows: int
    seed: int
    source: str
    imported_from: str
    def __init__(self, profile: _Optional[str] = ..., rows: _Optional[int] = ..., seed: _Optional[int] = ..., source: _Optional[str] = ..., imported_from: _Optional[str] = ...) -> None: ...

class StartSeedRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: SeedSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[SeedSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartSeedResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class TrainingOptions(_message.Message):
    __slots__ = ("engine", "epochs", "batch_size", "learning_rate", "patience", "freeze_encoder", "l2_sp", "replay", "calibrate", "device")
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    FREEZE_ENCODER_FIELD_NUMBER: _ClassVar[int]
    L2_SP_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    CALIBRATE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    engine: str
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    freeze_encoder: bool
    l2_sp: float
    replay: float
    calibrate: bool
    device: str
    def __init__(self, engine: _Optional[str] = ..., epochs: _Optional[int] = ..., batch_size: _Optional[int] = ..., learning_rate: _Optional[float] = ..., patience: _Optional[int] = ..., freeze_encoder: bool = ..., l2_sp: _Optional[float] = ..., replay: _Optional[float] = ..., calibrate: bool = ..., device: _Optional[str] = ...) -> None: ...

class TrainingSpec(_message.Message):
    __slots__ = ("rows", "profile", "options", "seed")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    rows: str
    profile: str
    options: TrainingOptions
    seed: int
    def __init__(self, rows: _Optional[str] = ..., profile: _Optional[str] = ..., options: _Optional[_Union[TrainingOptions, _Mapping]] = ..., seed: _Optional[int] = ...) -> None: ...

class StartTrainingRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: TrainingSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[TrainingSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartTrainingResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class RefinementSpec(_message.Message):
    __slots__ = ("rows", "base_model", "profile", "options", "seed", "choose_strategy")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CHOOSE_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    rows: str
    base_model: str
    profile: str
    options: TrainingOptions
    seed: int
    choose_strategy: bool
    def __init__(self, rows: _Optional[str] = ..., base_model: _Optional[str] = ..., profile: _Optional[str] = ..., options: _Optional[_Union[TrainingOptions, _Mapping]] = ..., seed: _Optional[int] = ..., choose_strategy: bool = ...) -> None: ...

class StartRefinementRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: RefinementSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[RefinementSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartRefinementResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class SamplingSpec(_message.Message):
    __slots__ = ("model", "rows", "seed")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    model: str
    rows: int
    seed: int
    def __init__(self, model: _Optional[str] = ..., rows: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class StartSamplingRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: SamplingSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[SamplingSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartSamplingResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class AugmentationSpec(_message.Message):
    __slots__ = ("model", "rows", "seed", "where", "table", "mix_real", "profile", "oversample", "share")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    MIX_REAL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    OVERSAMPLE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    model: str
    rows: int
    seed: int
    where: str
    table: str
    mix_real: float
    profile: str
    oversample: str
    share: float
    def __init__(self, model: _Optional[str] = ..., rows: _Optional[int] = ..., seed: _Optional[int] = ..., where: _Optional[str] = ..., table: _Optional[str] = ..., mix_real: _Optional[float] = ..., profile: _Optional[str] = ..., oversample: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class StartAugmentationRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: AugmentationSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[AugmentationSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartAugmentationResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("artifact", "engine", "origin", "is_default", "validation_loss", "base_model", "metrics")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_LOSS_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifacts_pb2.Artifact
    engine: str
    origin: str
    is_default: bool
    validation_loss: float
    base_model: str
    metrics: _containers.ScalarMap[str, float]
    def __init__(self, artifact: _Optional[_Union[_artifacts_pb2.Artifact, _Mapping]] = ..., engine: _Optional[str] = ..., origin: _Optional[str] = ..., is_default: bool = ..., validation_loss: _Optional[float] = ..., base_model: _Optional[str] = ..., metrics: _Optional[_Mapping[str, float]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("machine", "page_size", "page_token")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    machine: str
    page_size: int
    page_token: str
    def __init__(self, machine: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "next_page_token")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    next_page_token: str
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class DefaultModel(_message.Message):
    __slots__ = ("model", "version", "actor", "create_time", "comparison", "reason")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: int
    actor: str
    create_time: _timestamp_pb2.Timestamp
    comparison: str
    reason: str
    def __init__(self, model: _Optional[str] = ..., version: _Optional[int] = ..., actor: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., comparison: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetDefaultModelRequest(_message.Message):
    __slots__ = ("machine",)
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    machine: str
    def __init__(self, machine: _Optional[str] = ...) -> None: ...

class GetDefaultModelResponse(_message.Message):
    __slots__ = ("current", "history")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    current: DefaultModel
    history: _containers.RepeatedCompositeFieldContainer[DefaultModel]
    def __init__(self, current: _Optional[_Union[DefaultModel, _Mapping]] = ..., history: _Optional[_Iterable[_Union[DefaultModel, _Mapping]]] = ...) -> None: ...

class ActivateModelRequest(_message.Message):
    __slots__ = ("machine", "model", "expected_version", "comparison", "reason", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    model: str
    expected_version: int
    comparison: str
    reason: str
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., model: _Optional[str] = ..., expected_version: _Optional[int] = ..., comparison: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ActivateModelResponse(_message.Message):
    __slots__ = ("current", "previous")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    current: DefaultModel
    previous: DefaultModel
    def __init__(self, current: _Optional[_Union[DefaultModel, _Mapping]] = ..., previous: _Optional[_Union[DefaultModel, _Mapping]] = ...) -> None: ...

class RollbackModelRequest(_message.Message):
    __slots__ = ("machine", "expected_version", "to_version", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    expected_version: int
    to_version: int
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., expected_version: _Optional[int] = ..., to_version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class RollbackModelResponse(_message.Message):
    __slots__ = ("current", "previous")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    current: DefaultModel
    previous: DefaultModel
    def __init__(self, current: _Optional[_Union[DefaultModel, _Mapping]] = ..., previous: _Optional[_Union[DefaultModel, _Mapping]] = ...) -> None: ...
