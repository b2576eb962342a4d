from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cause(_message.Message):
    __slots__ = ("name", "since_ns", "detail", "forces")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FORCES_FIELD_NUMBER: _ClassVar[int]
    name: str
    since_ns: int
    detail: str
    forces: str
    def __init__(self, name: _Optional[str] = ..., since_ns: _Optional[int] = ..., detail: _Optional[str] = ..., forces: _Optional[str] = ...) -> None: ...

class EngineState(_message.Message):
    __slots__ = ("timestamp_ns", "state", "causes", "venue", "instrument", "halt_id", "authority_pct", "brain_age_ms", "ops_age_ms", "feed_age_ms", "last_tick_sequence", "max_order_contracts", "counters", "lot", "minimum", "contract_value")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    HALT_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_PCT_FIELD_NUMBER: _ClassVar[int]
    BRAIN_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    OPS_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    FEED_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_TICK_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    LOT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_VALUE_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    state: str
    causes: _containers.RepeatedCompositeFieldContainer[Cause]
    venue: str
    instrument: str
    halt_id: str
    authority_pct: float
    brain_age_ms: float
    ops_age_ms: float
    feed_age_ms: float
    last_tick_sequence: int
    max_order_contracts: str
    counters: _containers.ScalarMap[str, int]
    lot: str
    minimum: str
    contract_value: str
    def __init__(self, timestamp_ns: _Optional[int] = ..., state: _Optional[str] = ..., causes: _Optional[_Iterable[_Union[Cause, _Mapping]]] = ..., venue: _Optional[str] = ..., instrument: _Optional[str] = ..., halt_id: _Optional[str] = ..., authority_pct: _Optional[float] = ..., brain_age_ms: _Optional[float] = ..., ops_age_ms: _Optional[float] = ..., feed_age_ms: _Optional[float] = ..., last_tick_sequence: _Optional[int] = ..., max_order_contracts: _Optional[str] = ..., counters: _Optional[_Mapping[str, int]] = ..., lot: _Optional[str] = ..., minimum: _Optional[str] = ..., contract_value: _Optional[str] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("client_order_id", "venue_order_id", "intent_id", "instrument", "side", "contracts", "filled_contracts", "average_price", "state", "reduce_only", "tp_price", "sl_price", "updated_ns", "limit_price", "kind", "fee")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    FILLED_CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TP_PRICE_FIELD_NUMBER: _ClassVar[int]
    SL_PRICE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    venue_order_id: str
    intent_id: str
    instrument: str
    side: str
    contracts: str
    filled_contracts: str
    average_price: str
    state: str
    reduce_only: bool
    tp_price: str
    sl_price: str
    updated_ns: int
    limit_price: str
    kind: str
    fee: str
    def __init__(self, client_order_id: _Optional[str] = ..., venue_order_id: _Optional[str] = ..., intent_id: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[str] = ..., contracts: _Optional[str] = ..., filled_contracts: _Optional[str] = ..., average_price: _Optional[str] = ..., state: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., tp_price: _Optional[str] = ..., sl_price: _Optional[str] = ..., updated_ns: _Optional[int] = ..., limit_price: _Optional[str] = ..., kind: _Optional[str] = ..., fee: _Optional[str] = ...) -> None: ...

class OrdersState(_message.Message):
    __slots__ = ("timestamp_ns", "working", "recent")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    WORKING_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    working: _containers.RepeatedCompositeFieldContainer[Order]
    recent: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, timestamp_ns: _Optional[int] = ..., working: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., recent: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("instrument", "contracts", "average_price", "mark_price", "unrealised", "liquidation_price", "tp_price", "sl_price", "updated_ns", "leverage", "margin")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARK_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    TP_PRICE_FIELD_NUMBER: _ClassVar[int]
    SL_PRICE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_NS_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    contracts: str
    average_price: str
    mark_price: str
    unrealised: str
    liquidation_price: str
    tp_price: str
    sl_price: str
    updated_ns: int
    leverage: str
    margin: str
    def __init__(self, instrument: _Optional[str] = ..., contracts: _Optional[str] = ..., average_price: _Optional[str] = ..., mark_price: _Optional[str] = ..., unrealised: _Optional[str] = ..., liquidation_price: _Optional[str] = ..., tp_price: _Optional[str] = ..., sl_price: _Optional[str] = ..., updated_ns: _Optional[int] = ..., leverage: _Optional[str] = ..., margin: _Optional[str] = ...) -> None: ...

class PositionsState(_message.Message):
    __slots__ = ("timestamp_ns", "positions")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    def __init__(self, timestamp_ns: _Optional[int] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ...) -> None: ...

class AccountState(_message.Message):
    __slots__ = ("timestamp_ns", "currency", "equity", "available", "realised_today", "fees_today")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    REALISED_TODAY_FIELD_NUMBER: _ClassVar[int]
    FEES_TODAY_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    currency: str
    equity: str
    available: str
    realised_today: str
    fees_today: str
    def __init__(self, timestamp_ns: _Optional[int] = ..., currency: _Optional[str] = ..., equity: _Optional[str] = ..., available: _Optional[str] = ..., realised_today: _Optional[str] = ..., fees_today: _Optional[str] = ...) -> None: ...

class FrameScores(_message.Message):
    __slots__ = ("frame", "trend_score_pct", "book_imbalance", "trade_pressure", "trend_vote", "book_vote", "flow_vote", "direction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    TREND_SCORE_PCT_FIELD_NUMBER: _ClassVar[int]
    BOOK_IMBALANCE_FIELD_NUMBER: _ClassVar[int]
    TRADE_PRESSURE_FIELD_NUMBER: _ClassVar[int]
    TREND_VOTE_FIELD_NUMBER: _ClassVar[int]
    BOOK_VOTE_FIELD_NUMBER: _ClassVar[int]
    FLOW_VOTE_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    frame: str
    trend_score_pct: float
    book_imbalance: float
    trade_pressure: float
    trend_vote: int
    book_vote: int
    flow_vote: int
    direction: int
    def __init__(self, frame: _Optional[str] = ..., trend_score_pct: _Optional[float] = ..., book_imbalance: _Optional[float] = ..., trade_pressure: _Optional[float] = ..., trend_vote: _Optional[int] = ..., book_vote: _Optional[int] = ..., flow_vote: _Optional[int] = ..., direction: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("name", "passed", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    passed: bool
    text: str
    def __init__(self, name: _Optional[str] = ..., passed: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class SizeStep(_message.Message):
    __slots__ = ("name", "value", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    text: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class UnknownLayer(_message.Message):
    __slots__ = ("part", "reason")
    PART_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    part: str
    reason: str
    def __init__(self, part: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("sequence", "timestamp_ns", "instrument", "tick_sequence", "tick_received_ns", "frames", "direction", "why_not", "why_not_text", "intent_id", "contracts", "price", "features", "filters", "size", "unknown", "model", "model_score", "mono_ns")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    TICK_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TICK_RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    WHY_NOT_FIELD_NUMBER: _ClassVar[int]
    WHY_NOT_TEXT_FIELD_NUMBER: _ClassVar[int]
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_SCORE_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    timestamp_ns: int
    instrument: str
    tick_sequence: int
    tick_received_ns: int
    frames: _containers.RepeatedCompositeFieldContainer[FrameScores]
    direction: int
    why_not: str
    why_not_text: str
    intent_id: str
    contracts: str
    price: float
    features: _containers.ScalarMap[str, float]
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    size: _containers.RepeatedCompositeFieldContainer[SizeStep]
    unknown: _containers.RepeatedCompositeFieldContainer[UnknownLayer]
    model: str
    model_score: float
    mono_ns: int
    def __init__(self, sequence: _Optional[int] = ..., timestamp_ns: _Optional[int] = ..., instrument: _Optional[str] = ..., tick_sequence: _Optional[int] = ..., tick_received_ns: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[FrameScores, _Mapping]]] = ..., direction: _Optional[int] = ..., why_not: _Optional[str] = ..., why_not_text: _Optional[str] = ..., intent_id: _Optional[str] = ..., contracts: _Optional[str] = ..., price: _Optional[float] = ..., features: _Optional[_Mapping[str, float]] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., size: _Optional[_Iterable[_Union[SizeStep, _Mapping]]] = ..., unknown: _Optional[_Iterable[_Union[UnknownLayer, _Mapping]]] = ..., model: _Optional[str] = ..., model_score: _Optional[float] = ..., mono_ns: _Optional[int] = ...) -> None: ...

class Process(_message.Message):
    __slots__ = ("name", "pid", "state", "restarts", "heartbeat_age_ms", "reason", "cpu_pct", "memory_mb", "open_files", "open_files_limit", "loop_lag_p99_ms", "loop_lag_max_ms", "last_exit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CPU_PCT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MB_FIELD_NUMBER: _ClassVar[int]
    OPEN_FILES_FIELD_NUMBER: _ClassVar[int]
    OPEN_FILES_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_P99_MS_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_MAX_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    pid: int
    state: str
    restarts: int
    heartbeat_age_ms: float
    reason: str
    cpu_pct: float
    memory_mb: float
    open_files: int
    open_files_limit: int
    loop_lag_p99_ms: float
    loop_lag_max_ms: float
    last_exit: str
    def __init__(self, name: _Optional[str] = ..., pid: _Optional[int] = ..., state: _Optional[str] = ..., restarts: _Optional[int] = ..., heartbeat_age_ms: _Optional[float] = ..., reason: _Optional[str] = ..., cpu_pct: _Optional[float] = ..., memory_mb: _Optional[float] = ..., open_files: _Optional[int] = ..., open_files_limit: _Optional[int] = ..., loop_lag_p99_ms: _Optional[float] = ..., loop_lag_max_ms: _Optional[float] = ..., last_exit: _Optional[str] = ...) -> None: ...

class SystemState(_message.Message):
    __slots__ = ("timestamp_ns", "processes", "venue", "halt_id")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    HALT_ID_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    processes: _containers.RepeatedCompositeFieldContainer[Process]
    venue: str
    halt_id: str
    def __init__(self, timestamp_ns: _Optional[int] = ..., processes: _Optional[_Iterable[_Union[Process, _Mapping]]] = ..., venue: _Optional[str] = ..., halt_id: _Optional[str] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("timestamp_ns", "process", "level", "text")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    process: str
    level: str
    text: str
    def __init__(self, timestamp_ns: _Optional[int] = ..., process: _Optional[str] = ..., level: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Metrics(_message.Message):
    __slots__ = ("timestamp_ns", "values")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    values: _containers.ScalarMap[str, float]
    def __init__(self, timestamp_ns: _Optional[int] = ..., values: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("id", "requested_ns", "latched_ns", "port_closed_ns", "venue_confirmed_ns", "open_orders", "total_ms", "issuer", "reason", "verified", "problems", "cancels_sent_ns", "asked", "path", "wall_ns", "received_ns", "canceled", "dropped", "chased", "flatten", "position_contracts", "close_sent_ns", "flat_ns", "key", "signature")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_NS_FIELD_NUMBER: _ClassVar[int]
    LATCHED_NS_FIELD_NUMBER: _ClassVar[int]
    PORT_CLOSED_NS_FIELD_NUMBER: _ClassVar[int]
    VENUE_CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_SENT_NS_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    WALL_NS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    CANCELED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    CHASED_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_SENT_NS_FIELD_NUMBER: _ClassVar[int]
    FLAT_NS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    requested_ns: int
    latched_ns: int
    port_closed_ns: int
    venue_confirmed_ns: int
    open_orders: int
    total_ms: float
    issuer: str
    reason: str
    verified: bool
    problems: _containers.RepeatedScalarFieldContainer[str]
    cancels_sent_ns: int
    asked: str
    path: str
    wall_ns: int
    received_ns: int
    canceled: int
    dropped: int
    chased: int
    flatten: bool
    position_contracts: str
    close_sent_ns: int
    flat_ns: int
    key: str
    signature: str
    def __init__(self, id: _Optional[str] = ..., requested_ns: _Optional[int] = ..., latched_ns: _Optional[int] = ..., port_closed_ns: _Optional[int] = ..., venue_confirmed_ns: _Optional[int] = ..., open_orders: _Optional[int] = ..., total_ms: _Optional[float] = ..., issuer: _Optional[str] = ..., reason: _Optional[str] = ..., verified: _Optional[bool] = ..., problems: _Optional[_Iterable[str]] = ..., cancels_sent_ns: _Optional[int] = ..., asked: _Optional[str] = ..., path: _Optional[str] = ..., wall_ns: _Optional[int] = ..., received_ns: _Optional[int] = ..., canceled: _Optional[int] = ..., dropped: _Optional[int] = ..., chased: _Optional[int] = ..., flatten: _Optional[bool] = ..., position_contracts: _Optional[str] = ..., close_sent_ns: _Optional[int] = ..., flat_ns: _Optional[int] = ..., key: _Optional[str] = ..., signature: _Optional[str] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("kind", "text", "since_ns", "level", "active", "acknowledged_by")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    kind: str
    text: str
    since_ns: int
    level: str
    active: bool
    acknowledged_by: str
    def __init__(self, kind: _Optional[str] = ..., text: _Optional[str] = ..., since_ns: _Optional[int] = ..., level: _Optional[str] = ..., active: _Optional[bool] = ..., acknowledged_by: _Optional[str] = ...) -> None: ...

class Heatmap(_message.Message):
    __slots__ = ("timestamp_ns", "instrument", "provider", "bucket", "first_price", "rows", "column_ns", "peak_contracts", "cells", "unknown")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    FIRST_PRICE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NS_FIELD_NUMBER: _ClassVar[int]
    PEAK_CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    instrument: str
    provider: str
    bucket: float
    first_price: float
    rows: int
    column_ns: _containers.RepeatedScalarFieldContainer[int]
    peak_contracts: float
    cells: bytes
    unknown: str
    def __init__(self, timestamp_ns: _Optional[int] = ..., instrument: _Optional[str] = ..., provider: _Optional[str] = ..., bucket: _Optional[float] = ..., first_price: _Optional[float] = ..., rows: _Optional[int] = ..., column_ns: _Optional[_Iterable[int]] = ..., peak_contracts: _Optional[float] = ..., cells: _Optional[bytes] = ..., unknown: _Optional[str] = ...) -> None: ...

class FlowMark(_message.Message):
    __slots__ = ("kind", "side", "at_ns", "confirmed_ns", "price", "contracts")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    side: int
    at_ns: int
    confirmed_ns: int
    price: float
    contracts: float
    def __init__(self, kind: _Optional[str] = ..., side: _Optional[int] = ..., at_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ..., price: _Optional[float] = ..., contracts: _Optional[float] = ...) -> None: ...

class FootprintRow(_message.Message):
    __slots__ = ("price", "bought", "sold")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    BOUGHT_FIELD_NUMBER: _ClassVar[int]
    SOLD_FIELD_NUMBER: _ClassVar[int]
    price: float
    bought: float
    sold: float
    def __init__(self, price: _Optional[float] = ..., bought: _Optional[float] = ..., sold: _Optional[float] = ...) -> None: ...

class Flow(_message.Message):
    __slots__ = ("timestamp_ns", "instrument", "frame", "imbalance", "pressure", "cvd_contracts", "cvd_session_ns", "cvd_since_ns", "cvd_bars", "footprint_open_ns", "footprint_bucket", "footprint_poc", "footprint", "marks", "counters", "unknown")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    IMBALANCE_FIELD_NUMBER: _ClassVar[int]
    PRESSURE_FIELD_NUMBER: _ClassVar[int]
    CVD_CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    CVD_SESSION_NS_FIELD_NUMBER: _ClassVar[int]
    CVD_SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    CVD_BARS_FIELD_NUMBER: _ClassVar[int]
    FOOTPRINT_OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    FOOTPRINT_BUCKET_FIELD_NUMBER: _ClassVar[int]
    FOOTPRINT_POC_FIELD_NUMBER: _ClassVar[int]
    FOOTPRINT_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    instrument: str
    frame: str
    imbalance: float
    pressure: float
    cvd_contracts: float
    cvd_session_ns: int
    cvd_since_ns: int
    cvd_bars: _containers.RepeatedScalarFieldContainer[float]
    footprint_open_ns: int
    footprint_bucket: float
    footprint_poc: float
    footprint: _containers.RepeatedCompositeFieldContainer[FootprintRow]
    marks: _containers.RepeatedCompositeFieldContainer[FlowMark]
    counters: _containers.ScalarMap[str, int]
    unknown: _containers.RepeatedCompositeFieldContainer[UnknownLayer]
    def __init__(self, timestamp_ns: _Optional[int] = ..., instrument: _Optional[str] = ..., frame: _Optional[str] = ..., imbalance: _Optional[float] = ..., pressure: _Optional[float] = ..., cvd_contracts: _Optional[float] = ..., cvd_session_ns: _Optional[int] = ..., cvd_since_ns: _Optional[int] = ..., cvd_bars: _Optional[_Iterable[float]] = ..., footprint_open_ns: _Optional[int] = ..., footprint_bucket: _Optional[float] = ..., footprint_poc: _Optional[float] = ..., footprint: _Optional[_Iterable[_Union[FootprintRow, _Mapping]]] = ..., marks: _Optional[_Iterable[_Union[FlowMark, _Mapping]]] = ..., counters: _Optional[_Mapping[str, int]] = ..., unknown: _Optional[_Iterable[_Union[UnknownLayer, _Mapping]]] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("number", "timestamp_ns", "issuer", "action", "detail", "outcome", "ok", "took_ms")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    number: int
    timestamp_ns: int
    issuer: str
    action: str
    detail: str
    outcome: str
    ok: bool
    took_ms: float
    def __init__(self, number: _Optional[int] = ..., timestamp_ns: _Optional[int] = ..., issuer: _Optional[str] = ..., action: _Optional[str] = ..., detail: _Optional[str] = ..., outcome: _Optional[str] = ..., ok: _Optional[bool] = ..., took_ms: _Optional[float] = ...) -> None: ...

class AuditTrail(_message.Message):
    __slots__ = ("timestamp_ns", "entries")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    def __init__(self, timestamp_ns: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ...) -> None: ...

class SwingPoint(_message.Message):
    __slots__ = ("price", "open_ns", "confirmed_ns")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    price: float
    open_ns: int
    confirmed_ns: int
    def __init__(self, price: _Optional[float] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class StructureBreak(_message.Message):
    __slots__ = ("kind", "direction", "level", "open_ns", "confirmed_ns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    direction: int
    level: float
    open_ns: int
    confirmed_ns: int
    def __init__(self, kind: _Optional[str] = ..., direction: _Optional[int] = ..., level: _Optional[float] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class PriceZone(_message.Message):
    __slots__ = ("direction", "top", "bottom", "open_ns", "confirmed_ns")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    direction: int
    top: float
    bottom: float
    open_ns: int
    confirmed_ns: int
    def __init__(self, direction: _Optional[int] = ..., top: _Optional[float] = ..., bottom: _Optional[float] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("top", "bottom", "touches", "open_ns", "confirmed_ns")
    TOP_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    TOUCHES_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    top: float
    bottom: float
    touches: int
    open_ns: int
    confirmed_ns: int
    def __init__(self, top: _Optional[float] = ..., bottom: _Optional[float] = ..., touches: _Optional[int] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class LiquidityPool(_message.Message):
    __slots__ = ("direction", "top", "bottom", "swings", "open_ns", "confirmed_ns")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    SWINGS_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    direction: int
    top: float
    bottom: float
    swings: int
    open_ns: int
    confirmed_ns: int
    def __init__(self, direction: _Optional[int] = ..., top: _Optional[float] = ..., bottom: _Optional[float] = ..., swings: _Optional[int] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class SessionRange(_message.Message):
    __slots__ = ("name", "active", "high", "low")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    active: bool
    high: float
    low: float
    def __init__(self, name: _Optional[str] = ..., active: _Optional[bool] = ..., high: _Optional[float] = ..., low: _Optional[float] = ...) -> None: ...

class StructureMark(_message.Message):
    __slots__ = ("kind", "direction", "price", "open_ns", "confirmed_ns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_NS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    direction: int
    price: float
    open_ns: int
    confirmed_ns: int
    def __init__(self, kind: _Optional[str] = ..., direction: _Optional[int] = ..., price: _Optional[float] = ..., open_ns: _Optional[int] = ..., confirmed_ns: _Optional[int] = ...) -> None: ...

class FrameStructure(_message.Message):
    __slots__ = ("frame", "unknown", "bars", "open_ns", "close", "trend_pct", "structure", "premium_discount", "swing_high", "swing_low", "last_break", "blocks", "gaps", "joined_gaps", "levels", "pools", "previous_day_high", "previous_day_low", "previous_week_high", "previous_week_low", "sessions", "marks")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    OPEN_NS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    TREND_PCT_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    PREMIUM_DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    SWING_HIGH_FIELD_NUMBER: _ClassVar[int]
    SWING_LOW_FIELD_NUMBER: _ClassVar[int]
    LAST_BREAK_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    JOINED_GAPS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DAY_HIGH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DAY_LOW_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_WEEK_HIGH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_WEEK_LOW_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    frame: str
    unknown: str
    bars: int
    open_ns: int
    close: float
    trend_pct: float
    structure: int
    premium_discount: float
    swing_high: SwingPoint
    swing_low: SwingPoint
    last_break: StructureBreak
    blocks: _containers.RepeatedCompositeFieldContainer[PriceZone]
    gaps: _containers.RepeatedCompositeFieldContainer[PriceZone]
    joined_gaps: _containers.RepeatedCompositeFieldContainer[PriceZone]
    levels: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    pools: _containers.RepeatedCompositeFieldContainer[LiquidityPool]
    previous_day_high: float
    previous_day_low: float
    previous_week_high: float
    previous_week_low: float
    sessions: _containers.RepeatedCompositeFieldContainer[SessionRange]
    marks: _containers.RepeatedCompositeFieldContainer[StructureMark]
    def __init__(self, frame: _Optional[str] = ..., unknown: _Optional[str] = ..., bars: _Optional[int] = ..., open_ns: _Optional[int] = ..., close: _Optional[float] = ..., trend_pct: _Optional[float] = ..., structure: _Optional[int] = ..., premium_discount: _Optional[float] = ..., swing_high: _Optional[_Union[SwingPoint, _Mapping]] = ..., swing_low: _Optional[_Union[SwingPoint, _Mapping]] = ..., last_break: _Optional[_Union[StructureBreak, _Mapping]] = ..., blocks: _Optional[_Iterable[_Union[PriceZone, _Mapping]]] = ..., gaps: _Optional[_Iterable[_Union[PriceZone, _Mapping]]] = ..., joined_gaps: _Optional[_Iterable[_Union[PriceZone, _Mapping]]] = ..., levels: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., pools: _Optional[_Iterable[_Union[LiquidityPool, _Mapping]]] = ..., previous_day_high: _Optional[float] = ..., previous_day_low: _Optional[float] = ..., previous_week_high: _Optional[float] = ..., previous_week_low: _Optional[float] = ..., sessions: _Optional[_Iterable[_Union[SessionRange, _Mapping]]] = ..., marks: _Optional[_Iterable[_Union[StructureMark, _Mapping]]] = ...) -> None: ...

class Structure(_message.Message):
    __slots__ = ("timestamp_ns", "instrument", "frames")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    instrument: str
    frames: _containers.RepeatedCompositeFieldContainer[FrameStructure]
    def __init__(self, timestamp_ns: _Optional[int] = ..., instrument: _Optional[str] = ..., frames: _Optional[_Iterable[_Union[FrameStructure, _Mapping]]] = ...) -> None: ...
