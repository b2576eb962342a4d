from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNKNOWN: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]
SIDE_UNKNOWN: Side
SIDE_BUY: Side
SIDE_SELL: Side

class DecidedOn(_message.Message):
    __slots__ = ("tick_sequence", "timestamp_ns")
    TICK_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    tick_sequence: int
    timestamp_ns: int
    def __init__(self, tick_sequence: _Optional[int] = ..., timestamp_ns: _Optional[int] = ...) -> None: ...

class OrderRequest(_message.Message):
    __slots__ = ("intent_id", "instrument", "side", "contracts", "reduce_only", "tp_pct", "sl_pct", "decided_on", "created_ns", "limit_price")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TP_PCT_FIELD_NUMBER: _ClassVar[int]
    SL_PCT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_ON_FIELD_NUMBER: _ClassVar[int]
    CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    instrument: str
    side: Side
    contracts: str
    reduce_only: bool
    tp_pct: float
    sl_pct: float
    decided_on: DecidedOn
    created_ns: int
    limit_price: str
    def __init__(self, intent_id: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., contracts: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., tp_pct: _Optional[float] = ..., sl_pct: _Optional[float] = ..., decided_on: _Optional[_Union[DecidedOn, _Mapping]] = ..., created_ns: _Optional[int] = ..., limit_price: _Optional[str] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("intent_id", "instrument", "reason", "created_ns")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    instrument: str
    reason: str
    created_ns: int
    def __init__(self, intent_id: _Optional[str] = ..., instrument: _Optional[str] = ..., reason: _Optional[str] = ..., created_ns: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("process", "last_tick_sequence", "last_decision_sequence", "created_ns")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    LAST_TICK_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_DECISION_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    process: str
    last_tick_sequence: int
    last_decision_sequence: int
    created_ns: int
    def __init__(self, process: _Optional[str] = ..., last_tick_sequence: _Optional[int] = ..., last_decision_sequence: _Optional[int] = ..., created_ns: _Optional[int] = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ("sequence", "timestamp_ns", "order", "cancel", "heartbeat")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    timestamp_ns: int
    order: OrderRequest
    cancel: CancelRequest
    heartbeat: Heartbeat
    def __init__(self, sequence: _Optional[int] = ..., timestamp_ns: _Optional[int] = ..., order: _Optional[_Union[OrderRequest, _Mapping]] = ..., cancel: _Optional[_Union[CancelRequest, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class OrderAck(_message.Message):
    __slots__ = ("intent_id", "client_order_id", "venue_order_id", "accepted_ns")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_NS_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    client_order_id: str
    venue_order_id: str
    accepted_ns: int
    def __init__(self, intent_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., venue_order_id: _Optional[str] = ..., accepted_ns: _Optional[int] = ...) -> None: ...

class OrderReject(_message.Message):
    __slots__ = ("intent_id", "code", "rule", "observed", "limit", "text")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    code: str
    rule: str
    observed: str
    limit: str
    text: str
    def __init__(self, intent_id: _Optional[str] = ..., code: _Optional[str] = ..., rule: _Optional[str] = ..., observed: _Optional[str] = ..., limit: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CancelAck(_message.Message):
    __slots__ = ("intent_id", "found", "text")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    found: bool
    text: str
    def __init__(self, intent_id: _Optional[str] = ..., found: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class HeartbeatAck(_message.Message):
    __slots__ = ("trading_state", "last_tick_sequence")
    TRADING_STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_TICK_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    trading_state: str
    last_tick_sequence: int
    def __init__(self, trading_state: _Optional[str] = ..., last_tick_sequence: _Optional[int] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("sequence", "timestamp_ns", "request_sequence", "ack", "reject", "cancel", "heartbeat")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    timestamp_ns: int
    request_sequence: int
    ack: OrderAck
    reject: OrderReject
    cancel: CancelAck
    heartbeat: HeartbeatAck
    def __init__(self, sequence: _Optional[int] = ..., timestamp_ns: _Optional[int] = ..., request_sequence: _Optional[int] = ..., ack: _Optional[_Union[OrderAck, _Mapping]] = ..., reject: _Optional[_Union[OrderReject, _Mapping]] = ..., cancel: _Optional[_Union[CancelAck, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatAck, _Mapping]] = ...) -> None: ...
