import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sensorforge.common.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_AUTO: _ClassVar[Tier]
    TIER_REVIEW: _ClassVar[Tier]
    TIER_NONE: _ClassVar[Tier]

class MergeStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MERGE_STRATEGY_UNSPECIFIED: _ClassVar[MergeStrategy]
    MERGE_STRATEGY_REPLACE: _ClassVar[MergeStrategy]
    MERGE_STRATEGY_MERGE: _ClassVar[MergeStrategy]
    MERGE_STRATEGY_REAL_ONLY: _ClassVar[MergeStrategy]
TIER_UNSPECIFIED: Tier
TIER_AUTO: Tier
TIER_REVIEW: Tier
TIER_NONE: Tier
MERGE_STRATEGY_UNSPECIFIED: MergeStrategy
MERGE_STRATEGY_REPLACE: MergeStrategy
MERGE_STRATEGY_MERGE: MergeStrategy
MERGE_STRATEGY_REAL_ONLY: MergeStrategy

class ColumnHint(_message.Message):
    __slots__ = ("name", "unit", "samples", "quantiles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    samples: _containers.RepeatedScalarFieldContainer[str]
    quantiles: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., samples: _Optional[_Iterable[str]] = ..., quantiles: _Optional[_Iterable[float]] = ...) -> None: ...

class SuggestMappingsRequest(_message.Message):
    __slots__ = ("machine", "table", "columns", "profile", "profile_document")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    machine: str
    table: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnHint]
    profile: str
    profile_document: str
    def __init__(self, machine: _Optional[str] = ..., table: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnHint, _Mapping]]] = ..., profile: _Optional[str] = ..., profile_document: _Optional[str] = ...) -> None: ...

class Alternative(_message.Message):
    __slots__ = ("sensor", "confidence")
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    sensor: str
    confidence: float
    def __init__(self, sensor: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("column", "role", "tier", "sensor", "confidence", "reasons", "alternatives", "source_unit", "target_unit", "unit_basis", "unit_example", "abstain_reason")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_UNIT_FIELD_NUMBER: _ClassVar[int]
    TARGET_UNIT_FIELD_NUMBER: _ClassVar[int]
    UNIT_BASIS_FIELD_NUMBER: _ClassVar[int]
    UNIT_EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    ABSTAIN_REASON_FIELD_NUMBER: _ClassVar[int]
    column: str
    role: str
    tier: Tier
    sensor: str
    confidence: float
    reasons: _containers.RepeatedScalarFieldContainer[str]
    alternatives: _containers.RepeatedCompositeFieldContainer[Alternative]
    source_unit: str
    target_unit: str
    unit_basis: str
    unit_example: str
    abstain_reason: str
    def __init__(self, column: _Optional[str] = ..., role: _Optional[str] = ..., tier: _Optional[_Union[Tier, str]] = ..., sensor: _Optional[str] = ..., confidence: _Optional[float] = ..., reasons: _Optional[_Iterable[str]] = ..., alternatives: _Optional[_Iterable[_Union[Alternative, _Mapping]]] = ..., source_unit: _Optional[str] = ..., target_unit: _Optional[str] = ..., unit_basis: _Optional[str] = ..., unit_example: _Optional[str] = ..., abstain_reason: _Optional[str] = ...) -> None: ...

class SuggestMappingsResponse(_message.Message):
    __slots__ = ("suggestions", "unmapped_sensors", "profile_fit", "warnings", "template", "time", "align")
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_SENSORS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ALIGN_FIELD_NUMBER: _ClassVar[int]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    unmapped_sensors: _containers.RepeatedScalarFieldContainer[str]
    profile_fit: float
    warnings: _containers.RepeatedScalarFieldContainer[str]
    template: str
    time: TimeOptions
    align: AlignOptions
    def __init__(self, suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ..., unmapped_sensors: _Optional[_Iterable[str]] = ..., profile_fit: _Optional[float] = ..., warnings: _Optional[_Iterable[str]] = ..., template: _Optional[str] = ..., time: _Optional[_Union[TimeOptions, _Mapping]] = ..., align: _Optional[_Union[AlignOptions, _Mapping]] = ...) -> None: ...

class ColumnMapping(_message.Message):
    __slots__ = ("column", "role", "sensor", "source_unit")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    SOURCE_UNIT_FIELD_NUMBER: _ClassVar[int]
    column: str
    role: str
    sensor: str
    source_unit: str
    def __init__(self, column: _Optional[str] = ..., role: _Optional[str] = ..., sensor: _Optional[str] = ..., source_unit: _Optional[str] = ...) -> None: ...

class TimeOptions(_message.Message):
    __slots__ = ("format", "day_first", "zone", "gap_factor")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DAY_FIRST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    GAP_FACTOR_FIELD_NUMBER: _ClassVar[int]
    format: str
    day_first: bool
    zone: str
    gap_factor: float
    def __init__(self, format: _Optional[str] = ..., day_first: bool = ..., zone: _Optional[str] = ..., gap_factor: _Optional[float] = ...) -> None: ...

class AlignOptions(_message.Message):
    __slots__ = ("rows", "tolerance_seconds")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    rows: str
    tolerance_seconds: float
    def __init__(self, rows: _Optional[str] = ..., tolerance_seconds: _Optional[float] = ...) -> None: ...

class MappingSpec(_message.Message):
    __slots__ = ("table", "profile", "columns", "time", "align")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ALIGN_FIELD_NUMBER: _ClassVar[int]
    table: str
    profile: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnMapping]
    time: TimeOptions
    align: AlignOptions
    def __init__(self, table: _Optional[str] = ..., profile: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnMapping, _Mapping]]] = ..., time: _Optional[_Union[TimeOptions, _Mapping]] = ..., align: _Optional[_Union[AlignOptions, _Mapping]] = ...) -> None: ...

class StartMappingRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: MappingSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[MappingSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartMappingResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class JoinSpec(_message.Message):
    __slots__ = ("table", "other", "profile", "tolerance_seconds")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    other: str
    profile: str
    tolerance_seconds: float
    def __init__(self, table: _Optional[str] = ..., other: _Optional[str] = ..., profile: _Optional[str] = ..., tolerance_seconds: _Optional[float] = ...) -> None: ...

class StartJoinRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: JoinSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[JoinSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartJoinResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class FailureLogOptions(_message.Message):
    __slots__ = ("run_column", "time_column", "kind_column", "kinds", "time")
    RUN_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TIME_COLUMN_FIELD_NUMBER: _ClassVar[int]
    KIND_COLUMN_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    run_column: str
    time_column: str
    kind_column: str
    kinds: _containers.RepeatedScalarFieldContainer[str]
    time: TimeOptions
    def __init__(self, run_column: _Optional[str] = ..., time_column: _Optional[str] = ..., kind_column: _Optional[str] = ..., kinds: _Optional[_Iterable[str]] = ..., time: _Optional[_Union[TimeOptions, _Mapping]] = ...) -> None: ...

class RulOptions(_message.Message):
    __slots__ = ("mode", "cap", "runs_end_in_failure")
    MODE_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    RUNS_END_IN_FAILURE_FIELD_NUMBER: _ClassVar[int]
    mode: str
    cap: float
    runs_end_in_failure: bool
    def __init__(self, mode: _Optional[str] = ..., cap: _Optional[float] = ..., runs_end_in_failure: bool = ...) -> None: ...

class SplitOptions(_message.Message):
    __slots__ = ("train", "val", "by")
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    VAL_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    train: float
    val: float
    by: str
    def __init__(self, train: _Optional[float] = ..., val: _Optional[float] = ..., by: _Optional[str] = ...) -> None: ...

class TransformSpec(_message.Message):
    __slots__ = ("table", "profile", "rul", "split", "seed", "failure_log", "failure_log_options")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    RUL_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_LOG_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    table: str
    profile: str
    rul: RulOptions
    split: SplitOptions
    seed: int
    failure_log: str
    failure_log_options: FailureLogOptions
    def __init__(self, table: _Optional[str] = ..., profile: _Optional[str] = ..., rul: _Optional[_Union[RulOptions, _Mapping]] = ..., split: _Optional[_Union[SplitOptions, _Mapping]] = ..., seed: _Optional[int] = ..., failure_log: _Optional[str] = ..., failure_log_options: _Optional[_Union[FailureLogOptions, _Mapping]] = ...) -> None: ...

class StartTransformRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: TransformSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[TransformSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartTransformResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class MergeSpec(_message.Message):
    __slots__ = ("table", "seed_rows", "strategy", "balance_rul", "seed", "profile")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SEED_ROWS_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_RUL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    table: str
    seed_rows: str
    strategy: MergeStrategy
    balance_rul: bool
    seed: int
    profile: str
    def __init__(self, table: _Optional[str] = ..., seed_rows: _Optional[str] = ..., strategy: _Optional[_Union[MergeStrategy, str]] = ..., balance_rul: bool = ..., seed: _Optional[int] = ..., profile: _Optional[str] = ...) -> None: ...

class StartMergeRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id", "validate_only")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: MergeSpec
    request_id: str
    validate_only: bool
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[MergeSpec, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class StartMergeResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("name", "columns", "time", "update_time", "align")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ALIGN_FIELD_NUMBER: _ClassVar[int]
    name: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnMapping]
    time: TimeOptions
    update_time: _timestamp_pb2.Timestamp
    align: AlignOptions
    def __init__(self, name: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnMapping, _Mapping]]] = ..., time: _Optional[_Union[TimeOptions, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., align: _Optional[_Union[AlignOptions, _Mapping]] = ...) -> None: ...

class ListTemplatesRequest(_message.Message):
    __slots__ = ("machine",)
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    machine: str
    def __init__(self, machine: _Optional[str] = ...) -> None: ...

class ListTemplatesResponse(_message.Message):
    __slots__ = ("templates",)
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    templates: _containers.RepeatedCompositeFieldContainer[Template]
    def __init__(self, templates: _Optional[_Iterable[_Union[Template, _Mapping]]] = ...) -> None: ...

class SaveTemplateRequest(_message.Message):
    __slots__ = ("machine", "columns", "time", "align")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ALIGN_FIELD_NUMBER: _ClassVar[int]
    machine: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnMapping]
    time: TimeOptions
    align: AlignOptions
    def __init__(self, machine: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnMapping, _Mapping]]] = ..., time: _Optional[_Union[TimeOptions, _Mapping]] = ..., align: _Optional[_Union[AlignOptions, _Mapping]] = ...) -> None: ...

class SaveTemplateResponse(_message.Message):
    __slots__ = ("template",)
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    template: Template
    def __init__(self, template: _Optional[_Union[Template, _Mapping]] = ...) -> None: ...

class DeleteTemplateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTemplateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
