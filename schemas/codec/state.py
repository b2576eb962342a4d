"""The state messages <-> Protobuf."""

from __future__ import annotations

from schemas.codec.mirror import Mirror
from schemas.generated import state_pb2 as pb
from schemas.messages import (
    AccountState,
    Alert,
    AuditEntry,
    AuditTrail,
    Cause,
    Decision,
    EngineState,
    FilterView,
    Flow,
    FlowMark,
    FootprintRow,
    FrameScores,
    FrameStructure,
    Heatmap,
    LiquidityPool,
    LogLine,
    Metrics,
    OrdersState,
    OrderView,
    PositionsState,
    PositionView,
    PriceLevel,
    PriceZone,
    ProcessView,
    Receipt,
    SessionRange,
    SizeStep,
    Structure,
    StructureBreak,
    StructureMark,
    SwingPoint,
    SystemState,
    UnknownLayer,
)

MIRRORS = (
    Mirror(Cause, pb.Cause),
    Mirror(OrderView, pb.Order),
    Mirror(PositionView, pb.Position),
    Mirror(FrameScores, pb.FrameScores),
    Mirror(ProcessView, pb.Process),
    Mirror(FilterView, pb.Filter),
    Mirror(SizeStep, pb.SizeStep),
    Mirror(UnknownLayer, pb.UnknownLayer),
    Mirror(FlowMark, pb.FlowMark),
    Mirror(FootprintRow, pb.FootprintRow),
    Mirror(AuditEntry, pb.AuditEntry),
    Mirror(SwingPoint, pb.SwingPoint),
    Mirror(StructureBreak, pb.StructureBreak),
    Mirror(PriceZone, pb.PriceZone),
    Mirror(PriceLevel, pb.PriceLevel),
    Mirror(LiquidityPool, pb.LiquidityPool),
    Mirror(SessionRange, pb.SessionRange),
    Mirror(StructureMark, pb.StructureMark),
    Mirror(FrameStructure, pb.FrameStructure),
)
_ENGINE = Mirror(EngineState, pb.EngineState)
_ORDERS = Mirror(OrdersState, pb.OrdersState)
_POSITIONS = Mirror(PositionsState, pb.PositionsState)
_ACCOUNT = Mirror(AccountState, pb.AccountState)
_DECISION = Mirror(Decision, pb.Decision)
_SYSTEM = Mirror(SystemState, pb.SystemState)
_LOG = Mirror(LogLine, pb.LogLine)
_METRICS = Mirror(Metrics, pb.Metrics)
_RECEIPT = Mirror(Receipt, pb.Receipt)
_ALERT = Mirror(Alert, pb.Alert)
_HEATMAP = Mirror(Heatmap, pb.Heatmap)
_FLOW = Mirror(Flow, pb.Flow)
_AUDIT = Mirror(AuditTrail, pb.AuditTrail)
_STRUCTURE = Mirror(Structure, pb.Structure)
TOP_LEVEL = (
    _ENGINE, _ORDERS, _POSITIONS, _ACCOUNT, _DECISION, _SYSTEM, _LOG, _METRICS, _RECEIPT, _ALERT, _HEATMAP, _FLOW,
    _AUDIT, _STRUCTURE,
)  # fmt: skip

encode_engine_state, decode_engine_state = _ENGINE.encode, _ENGINE.decode
encode_orders, decode_orders = _ORDERS.encode, _ORDERS.decode
encode_positions, decode_positions = _POSITIONS.encode, _POSITIONS.decode
encode_account, decode_account = _ACCOUNT.encode, _ACCOUNT.decode
encode_decision, decode_decision = _DECISION.encode, _DECISION.decode
encode_system, decode_system = _SYSTEM.encode, _SYSTEM.decode
encode_log, decode_log = _LOG.encode, _LOG.decode
encode_metrics, decode_metrics = _METRICS.encode, _METRICS.decode
encode_receipt, decode_receipt = _RECEIPT.encode, _RECEIPT.decode
encode_alert, decode_alert = _ALERT.encode, _ALERT.decode
encode_heatmap, decode_heatmap = _HEATMAP.encode, _HEATMAP.decode
encode_flow, decode_flow = _FLOW.encode, _FLOW.decode
encode_audit, decode_audit = _AUDIT.encode, _AUDIT.decode
encode_structure, decode_structure = _STRUCTURE.encode, _STRUCTURE.decode
