from sensorforge.common.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GateOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GATE_OUTCOME_UNSPECIFIED: _ClassVar[GateOutcome]
    GATE_OUTCOME_PASS: _ClassVar[GateOutcome]
    GATE_OUTCOME_FAIL: _ClassVar[GateOutcome]
    GATE_OUTCOME_UNDECIDED: _ClassVar[GateOutcome]
    GATE_OUTCOME_SKIPPED: _ClassVar[GateOutcome]

class Recommendation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECOMMENDATION_UNSPECIFIED: _ClassVar[Recommendation]
    RECOMMENDATION_USE_REFINED: _ClassVar[Recommendation]
    RECOMMENDATION_KEEP_ORIGINAL: _ClassVar[Recommendation]
    RECOMMENDATION_COLLECT_MORE_DATA: _ClassVar[Recommendation]
GATE_OUTCOME_UNSPECIFIED: GateOutcome
GATE_OUTCOME_PASS: GateOutcome
GATE_OUTCOME_FAIL: GateOutcome
GATE_OUTCOME_UNDECIDED: GateOutcome
GATE_OUTCOME_SKIPPED: GateOutcome
RECOMMENDATION_UNSPECIFIED: Recommendation
RECOMMENDATION_USE_REFINED: Recommendation
RECOMMENDATION_KEEP_ORIGINAL: Recommendation
RECOMMENDATION_COLLECT_MORE_DATA: Recommendation

class GateOptions(_message.Message):
    __slots__ = ("kl_divergence", "correlation_error", "improvement_percent", "dcr_share", "exact_copies", "limit_violations", "leakage")
    KL_DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ERROR_FIELD_NUMBER: _ClassVar[int]
    IMPROVEMENT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    DCR_SHARE_FIELD_NUMBER: _ClassVar[int]
    EXACT_COPIES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    LEAKAGE_FIELD_NUMBER: _ClassVar[int]
    kl_divergence: float
    correlation_error: float
    improvement_percent: float
    dcr_share: float
    exact_copies: float
    limit_violations: float
    leakage: float
    def __init__(self, kl_divergence: _Optional[float] = ..., correlation_error: _Optional[float] = ..., improvement_percent: _Optional[float] = ..., dcr_share: _Optional[float] = ..., exact_copies: _Optional[float] = ..., limit_violations: _Optional[float] = ..., leakage: _Optional[float] = ...) -> None: ...

class ComparisonSpec(_message.Message):
    __slots__ = ("table", "seed_synthetic", "refined_synthetic", "original_model", "refined_model", "profile", "gates", "seed", "augmented", "every_sensor")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SEED_SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    REFINED_SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_MODEL_FIELD_NUMBER: _ClassVar[int]
    REFINED_MODEL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    AUGMENTED_FIELD_NUMBER: _ClassVar[int]
    EVERY_SENSOR_FIELD_NUMBER: _ClassVar[int]
    table: str
    seed_synthetic: str
    refined_synthetic: str
    original_model: str
    refined_model: str
    profile: str
    gates: GateOptions
    seed: int
    augmented: str
    every_sensor: bool
    def __init__(self, table: _Optional[str] = ..., seed_synthetic: _Optional[str] = ..., refined_synthetic: _Optional[str] = ..., original_model: _Optional[str] = ..., refined_model: _Optional[str] = ..., profile: _Optional[str] = ..., gates: _Optional[_Union[GateOptions, _Mapping]] = ..., seed: _Optional[int] = ..., augmented: _Optional[str] = ..., every_sensor: bool = ...) -> None: ...

class StartComparisonRequest(_message.Message):
    __slots__ = ("machine", "spec", "request_id")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    machine: str
    spec: ComparisonSpec
    request_id: str
    def __init__(self, machine: _Optional[str] = ..., spec: _Optional[_Union[ComparisonSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartComparisonResponse(_message.Message):
    __slots__ = ("job", "reused")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    reused: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., reused: bool = ...) -> None: ...

class GetComparisonRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Gate(_message.Message):
    __slots__ = ("name", "seed", "refined", "control", "limit", "direction", "outcome", "explanation", "title", "decided_on", "low", "high", "unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    REFINED_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_ON_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    seed: float
    refined: float
    control: float
    limit: float
    direction: str
    outcome: GateOutcome
    explanation: str
    title: str
    decided_on: float
    low: float
    high: float
    unit: str
    def __init__(self, name: _Optional[str] = ..., seed: _Optional[float] = ..., refined: _Optional[float] = ..., control: _Optional[float] = ..., limit: _Optional[float] = ..., direction: _Optional[str] = ..., outcome: _Optional[_Union[GateOutcome, str]] = ..., explanation: _Optional[str] = ..., title: _Optional[str] = ..., decided_on: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., unit: _Optional[str] = ...) -> None: ...

class GetComparisonResponse(_message.Message):
    __slots__ = ("recommendation", "verdict", "gates", "comparison_json")
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_JSON_FIELD_NUMBER: _ClassVar[int]
    recommendation: Recommendation
    verdict: str
    gates: _containers.RepeatedCompositeFieldContainer[Gate]
    comparison_json: str
    def __init__(self, recommendation: _Optional[_Union[Recommendation, str]] = ..., verdict: _Optional[str] = ..., gates: _Optional[_Iterable[_Union[Gate, _Mapping]]] = ..., comparison_json: _Optional[str] = ...) -> None: ...

class SummarizeMachinesRequest(_message.Message):
    __slots__ = ("machines",)
    MACHINES_FIELD_NUMBER: _ClassVar[int]
    machines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, machines: _Optional[_Iterable[str]] = ...) -> None: ...

class SummarizeMachinesResponse(_message.Message):
    __slots__ = ("csv", "machines", "truncated")
    CSV_FIELD_NUMBER: _ClassVar[int]
    MACHINES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    csv: str
    machines: int
    truncated: bool
    def __init__(self, csv: _Optional[str] = ..., machines: _Optional[int] = ..., truncated: bool = ...) -> None: ...
