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

class Upload(_message.Message):
    __slots__ = ("name", "file_name", "size_bytes", "committed_bytes", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    file_name: str
    size_bytes: int
    committed_bytes: int
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., file_name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., committed_bytes: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateUploadRequest(_message.Message):
    __slots__ = ("machine", "file_name", "size_bytes", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    file_name: str
    size_bytes: int
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., file_name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateUploadResponse(_message.Message):
    __slots__ = ("upload",)
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    upload: Upload
    def __init__(self, upload: _Optional[_Union[Upload, _Mapping]] = ...) -> None: ...

class WriteUploadRequest(_message.Message):
    __slots__ = ("name", "offset", "data", "crc32")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    data: bytes
    crc32: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., crc32: _Optional[int] = ...) -> None: ...

class WriteUploadResponse(_message.Message):
    __slots__ = ("upload",)
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    upload: Upload
    def __init__(self, upload: _Optional[_Union[Upload, _Mapping]] = ...) -> None: ...

class GetUploadRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetUploadResponse(_message.Message):
    __slots__ = ("upload",)
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    upload: Upload
    def __init__(self, upload: _Optional[_Union[Upload, _Mapping]] = ...) -> None: ...

class FinishUploadRequest(_message.Message):
    __slots__ = ("name", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: str
    def __init__(self, name: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class FinishUploadResponse(_message.Message):
    __slots__ = ("artifact", "existed")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifacts_pb2.Artifact
    existed: bool
    def __init__(self, artifact: _Optional[_Union[_artifacts_pb2.Artifact, _Mapping]] = ..., existed: bool = ...) -> None: ...

class ParseOptions(_message.Message):
    __slots__ = ("format", "delimiter", "quote", "encoding", "header_row", "decimal", "sheet", "timestamp_format", "timestamp_column", "register_map", "day_first", "time_zone", "tag_column", "value_column", "quality_column", "join_tolerance_seconds", "units_row", "column_names", "raw")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    HEADER_ROW_FIELD_NUMBER: _ClassVar[int]
    DECIMAL_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FORMAT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    REGISTER_MAP_FIELD_NUMBER: _ClassVar[int]
    DAY_FIRST_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    TAG_COLUMN_FIELD_NUMBER: _ClassVar[int]
    VALUE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    QUALITY_COLUMN_FIELD_NUMBER: _ClassVar[int]
    JOIN_TOLERANCE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNITS_ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NAMES_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    format: str
    delimiter: str
    quote: str
    encoding: str
    header_row: int
    decimal: str
    sheet: str
    timestamp_format: str
    timestamp_column: str
    register_map: str
    day_first: bool
    time_zone: str
    tag_column: str
    value_column: str
    quality_column: str
    join_tolerance_seconds: float
    units_row: bool
    column_names: _containers.RepeatedScalarFieldContainer[str]
    raw: bool
    def __init__(self, format: _Optional[str] = ..., delimiter: _Optional[str] = ..., quote: _Optional[str] = ..., encoding: _Optional[str] = ..., header_row: _Optional[int] = ..., decimal: _Optional[str] = ..., sheet: _Optional[str] = ..., timestamp_format: _Optional[str] = ..., timestamp_column: _Optional[str] = ..., register_map: _Optional[str] = ..., day_first: bool = ..., time_zone: _Optional[str] = ..., tag_column: _Optional[str] = ..., value_column: _Optional[str] = ..., quality_column: _Optional[str] = ..., join_tolerance_seconds: _Optional[float] = ..., units_row: bool = ..., column_names: _Optional[_Iterable[str]] = ..., raw: bool = ...) -> None: ...

class DetectFormatRequest(_message.Message):
    __slots__ = ("artifact", "options")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    options: ParseOptions
    def __init__(self, artifact: _Optional[str] = ..., options: _Optional[_Union[ParseOptions, _Mapping]] = ...) -> None: ...

class DetectionFact(_message.Message):
    __slots__ = ("key", "value", "evidence", "alternatives", "ambiguous")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    evidence: str
    alternatives: _containers.RepeatedScalarFieldContainer[str]
    ambiguous: bool
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., evidence: _Optional[str] = ..., alternatives: _Optional[_Iterable[str]] = ..., ambiguous: bool = ...) -> None: ...

class DetectFormatResponse(_message.Message):
    __slots__ = ("facts", "head")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[DetectionFact]
    head: _containers.RepeatedCompositeFieldContainer[PreviewRow]
    def __init__(self, facts: _Optional[_Iterable[_Union[DetectionFact, _Mapping]]] = ..., head: _Optional[_Iterable[_Union[PreviewRow, _Mapping]]] = ...) -> None: ...

class ParseSpec(_message.Message):
    __slots__ = ("sources", "options")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedScalarFieldContainer[str]
    options: ParseOptions
    def __init__(self, sources: _Optional[_Iterable[str]] = ..., options: _Optional[_Union[ParseOptions, _Mapping]] = ...) -> None: ...

class StartParseRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: ParseSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[ParseSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartParseResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class ValidationThresholds(_message.Message):
    __slots__ = ("missing_share", "min_rows", "iqr_factor", "z_score", "stuck_rows", "gap_factor")
    MISSING_SHARE_FIELD_NUMBER: _ClassVar[int]
    MIN_ROWS_FIELD_NUMBER: _ClassVar[int]
    IQR_FACTOR_FIELD_NUMBER: _ClassVar[int]
    Z_SCORE_FIELD_NUMBER: _ClassVar[int]
    STUCK_ROWS_FIELD_NUMBER: _ClassVar[int]
    GAP_FACTOR_FIELD_NUMBER: _ClassVar[int]
    missing_share: float
    min_rows: int
    iqr_factor: float
    z_score: float
    stuck_rows: int
    gap_factor: float
    def __init__(self, missing_share: _Optional[float] = ..., min_rows: _Optional[int] = ..., iqr_factor: _Optional[float] = ..., z_score: _Optional[float] = ..., stuck_rows: _Optional[int] = ..., gap_factor: _Optional[float] = ...) -> None: ...

class ValidationSpec(_message.Message):
    __slots__ = ("table", "profile", "thresholds")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    profile: str
    thresholds: ValidationThresholds
    def __init__(self, table: _Optional[str] = ..., profile: _Optional[str] = ..., thresholds: _Optional[_Union[ValidationThresholds, _Mapping]] = ...) -> None: ...

class StartValidationRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: ValidationSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[ValidationSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartValidationResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class CleaningStep(_message.Message):
    __slots__ = ("kind", "columns", "max_gap", "sigma", "enabled")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MAX_GAP_FIELD_NUMBER: _ClassVar[int]
    SIGMA_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    max_gap: int
    sigma: float
    enabled: bool
    def __init__(self, kind: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., max_gap: _Optional[int] = ..., sigma: _Optional[float] = ..., enabled: bool = ...) -> None: ...

class CleaningSpec(_message.Message):
    __slots__ = ("table", "profile", "recipe")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    table: str
    profile: str
    recipe: _containers.RepeatedCompositeFieldContainer[CleaningStep]
    def __init__(self, table: _Optional[str] = ..., profile: _Optional[str] = ..., recipe: _Optional[_Iterable[_Union[CleaningStep, _Mapping]]] = ...) -> None: ...

class DryRunCleaningRequest(_message.Message):
    __slots__ = ("machine", "spec")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: CleaningSpec
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[CleaningSpec, _Mapping]] = ...) -> None: ...

class CleaningEffect(_message.Message):
    __slots__ = ("step", "cells_changed", "rows_dropped", "cells_by_column", "note")
    class CellsByColumnEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STEP_FIELD_NUMBER: _ClassVar[int]
    CELLS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROWS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    CELLS_BY_COLUMN_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    step: CleaningStep
    cells_changed: int
    rows_dropped: int
    cells_by_column: _containers.ScalarMap[str, int]
    note: str
    def __init__(self, step: _Optional[_Union[CleaningStep, _Mapping]] = ..., cells_changed: _Optional[int] = ..., rows_dropped: _Optional[int] = ..., cells_by_column: _Optional[_Mapping[str, int]] = ..., note: _Optional[str] = ...) -> None: ...

class CleaningSample(_message.Message):
    __slots__ = ("column", "first_row", "changed_row", "before", "after")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROW_FIELD_NUMBER: _ClassVar[int]
    CHANGED_ROW_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    column: str
    first_row: int
    changed_row: int
    before: _containers.RepeatedScalarFieldContainer[float]
    after: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, column: _Optional[str] = ..., first_row: _Optional[int] = ..., changed_row: _Optional[int] = ..., before: _Optional[_Iterable[float]] = ..., after: _Optional[_Iterable[float]] = ...) -> None: ...

class DryRunCleaningResponse(_message.Message):
    __slots__ = ("effects", "rows_before", "rows_after", "samples")
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    ROWS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ROWS_AFTER_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    effects: _containers.RepeatedCompositeFieldContainer[CleaningEffect]
    rows_before: int
    rows_after: int
    samples: _containers.RepeatedCompositeFieldContainer[CleaningSample]
    def __init__(self, effects: _Optional[_Iterable[_Union[CleaningEffect, _Mapping]]] = ..., rows_before: _Optional[int] = ..., rows_after: _Optional[int] = ..., samples: _Optional[_Iterable[_Union[CleaningSample, _Mapping]]] = ...) -> None: ...

class StartCleaningRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: CleaningSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[CleaningSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartCleaningResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class PreviewDatasetRequest(_message.Message):
    __slots__ = ("artifact", "file", "offset", "rows")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    file: str
    offset: int
    rows: int
    def __init__(self, artifact: _Optional[str] = ..., file: _Optional[str] = ..., offset: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class PreviewRow(_message.Message):
    __slots__ = ("cells",)
    CELLS_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cells: _Optional[_Iterable[str]] = ...) -> None: ...

class PreviewDatasetResponse(_message.Message):
    __slots__ = ("columns", "rows", "total_rows")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[PreviewRow]
    total_rows: int
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[PreviewRow, _Mapping]]] = ..., total_rows: _Optional[int] = ...) -> None: ...

class ListColumnsRequest(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    def __init__(self, artifact: _Optional[str] = ...) -> None: ...

class ColumnProfile(_message.Message):
    __slots__ = ("name", "type", "unit", "missing_share", "distinct", "samples", "quantiles", "monotonic_share")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    MISSING_SHARE_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    MONOTONIC_SHARE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    unit: str
    missing_share: float
    distinct: int
    samples: _containers.RepeatedScalarFieldContainer[str]
    quantiles: _containers.RepeatedScalarFieldContainer[float]
    monotonic_share: float
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., unit: _Optional[str] = ..., missing_share: _Optional[float] = ..., distinct: _Optional[int] = ..., samples: _Optional[_Iterable[str]] = ..., quantiles: _Optional[_Iterable[float]] = ..., monotonic_share: _Optional[float] = ...) -> None: ...

class ListColumnsResponse(_message.Message):
    __slots__ = ("columns", "rows")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnProfile]
    rows: int
    def __init__(self, columns: _Optional[_Iterable[_Union[ColumnProfile, _Mapping]]] = ..., rows: _Optional[int] = ...) -> None: ...

class ListDatasetsRequest(_message.Message):
    __slots__ = ("machine", "page_size", "page_token")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    machine: str
    page_size: int
    page_token: str
    def __init__(self, machine: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDatasetsResponse(_message.Message):
    __slots__ = ("datasets", "next_page_token")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[_artifacts_pb2.Artifact]
    next_page_token: str
    def __init__(self, datasets: _Optional[_Iterable[_Union[_artifacts_pb2.Artifact, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteDatasetRequest(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    def __init__(self, artifact: _Optional[str] = ...) -> None: ...

class DeleteDatasetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
