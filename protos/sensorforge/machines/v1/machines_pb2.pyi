import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Sensor(_message.Message):
    __slots__ = ("name", "quantity", "unit", "min", "typical", "max", "component", "position", "aliases", "role", "required")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    TYPICAL_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    name: str
    quantity: str
    unit: str
    min: float
    typical: float
    max: float
    component: str
    position: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    role: str
    required: bool
    def __init__(self, name: _Optional[str] = ..., quantity: _Optional[str] = ..., unit: _Optional[str] = ..., min: _Optional[float] = ..., typical: _Optional[float] = ..., max: _Optional[float] = ..., component: _Optional[str] = ..., position: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., role: _Optional[str] = ..., required: bool = ...) -> None: ...

class Machine(_message.Message):
    __slots__ = ("name", "machine_id", "category", "profile", "profile_version", "sampling_period_seconds", "rul_unit", "rul_max", "sensors", "default_model", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_PERIOD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RUL_UNIT_FIELD_NUMBER: _ClassVar[int]
    RUL_MAX_FIELD_NUMBER: _ClassVar[int]
    SENSORS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MODEL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    machine_id: str
    category: str
    profile: str
    profile_version: int
    sampling_period_seconds: float
    rul_unit: str
    rul_max: float
    sensors: _containers.RepeatedCompositeFieldContainer[Sensor]
    default_model: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., machine_id: _Optional[str] = ..., category: _Optional[str] = ..., profile: _Optional[str] = ..., profile_version: _Optional[int] = ..., sampling_period_seconds: _Optional[float] = ..., rul_unit: _Optional[str] = ..., rul_max: _Optional[float] = ..., sensors: _Optional[_Iterable[_Union[Sensor, _Mapping]]] = ..., default_model: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("step", "artifact", "job", "draft_json", "actor", "create_time")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    DRAFT_JSON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    step: str
    artifact: str
    job: str
    draft_json: str
    actor: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[str] = ..., artifact: _Optional[str] = ..., job: _Optional[str] = ..., draft_json: _Optional[str] = ..., actor: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("name", "title", "decisions", "create_time", "version", "deleted")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    create_time: _timestamp_pb2.Timestamp
    version: int
    deleted: bool
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ..., decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., deleted: bool = ...) -> None: ...
