from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNKNOWN: _ClassVar[Kind]
    SYSTEM_HALT: _ClassVar[Kind]
    SYSTEM_RESUME: _ClassVar[Kind]
    FLATTEN: _ClassVar[Kind]
    CONFIG_UPDATE: _ClassVar[Kind]
    OPS_HEARTBEAT: _ClassVar[Kind]
    SHUTDOWN: _ClassVar[Kind]
    REARM: _ClassVar[Kind]
    REHEARSE: _ClassVar[Kind]
KIND_UNKNOWN: Kind
SYSTEM_HALT: Kind
SYSTEM_RESUME: Kind
FLATTEN: Kind
CONFIG_UPDATE: Kind
OPS_HEARTBEAT: Kind
SHUTDOWN: Kind
REARM: Kind
REHEARSE: Kind

class Signal(_message.Message):
    __slots__ = ("kind", "id", "issuer", "reason", "timestamp_ns", "sequence", "target", "mono_ns", "changes")
    class ChangesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    kind: Kind
    id: str
    issuer: str
    reason: str
    timestamp_ns: int
    sequence: int
    target: str
    mono_ns: int
    changes: _containers.ScalarMap[str, str]
    def __init__(self, kind: _Optional[_Union[Kind, str]] = ..., id: _Optional[str] = ..., issuer: _Optional[str] = ..., reason: _Optional[str] = ..., timestamp_ns: _Optional[int] = ..., sequence: _Optional[int] = ..., target: _Optional[str] = ..., mono_ns: _Optional[int] = ..., changes: _Optional[_Mapping[str, str]] = ...) -> None: ...
