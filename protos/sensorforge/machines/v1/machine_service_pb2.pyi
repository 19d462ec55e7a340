from sensorforge.machines.v1 import machines_pb2 as _machines_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterMachineRequest(_message.Message):
    __slots__ = ("document", "file_name", "validate_only")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    document: str
    file_name: str
    validate_only: bool
    def __init__(self, document: _Optional[str] = ..., file_name: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class RegisterMachineResponse(_message.Message):
    __slots__ = ("machine", "notes")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    machine: _machines_pb2.Machine
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, machine: _Optional[_Union[_machines_pb2.Machine, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetMachineRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetMachineResponse(_message.Message):
    __slots__ = ("machine",)
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    machine: _machines_pb2.Machine
    def __init__(self, machine: _Optional[_Union[_machines_pb2.Machine, _Mapping]] = ...) -> None: ...

class ListMachinesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMachinesResponse(_message.Message):
    __slots__ = ("machines", "next_page_token")
    MACHINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    machines: _containers.RepeatedCompositeFieldContainer[_machines_pb2.Machine]
    next_page_token: str
    def __init__(self, machines: _Optional[_Iterable[_Union[_machines_pb2.Machine, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DraftProfileRequest(_message.Message):
    __slots__ = ("table", "machine_id")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    table: str
    machine_id: str
    def __init__(self, table: _Optional[str] = ..., machine_id: _Optional[str] = ...) -> None: ...

class DraftProfileResponse(_message.Message):
    __slots__ = ("document", "run_column")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    RUN_COLUMN_FIELD_NUMBER: _ClassVar[int]
    document: str
    run_column: str
    def __init__(self, document: _Optional[str] = ..., run_column: _Optional[str] = ...) -> None: ...
