"""The envelopes of the command channel <-> Protobuf."""

from __future__ import annotations

from decimal import Decimal

from google.protobuf.message import DecodeError

from schemas.codec.errors import Malformed, decimal_of, decimal_text
from schemas.generated import orders_pb2 as pb
from schemas.messages import (
    CancelAck,
    CancelRequest,
    DecidedOn,
    Heartbeat,
    HeartbeatAck,
    OrderAck,
    OrderReject,
    OrderRequest,
    RejectCode,
    Reply,
    Request,
    Side,
)

_SIDES = {pb.SIDE_BUY: Side.BUY, pb.SIDE_SELL: Side.SELL}


def _fill_order(order: pb.OrderRequest, body: OrderRequest) -> None:
    order.intent_id = body.intent_id
    order.instrument = body.instrument
    order.side = pb.SIDE_BUY if body.side is Side.BUY else pb.SIDE_SELL
    order.contracts = decimal_text(body.contracts)
    order.reduce_only = body.reduce_only
    if body.tp_pct is not None:
        order.tp_pct = body.tp_pct
    if body.sl_pct is not None:
        order.sl_pct = body.sl_pct
    order.decided_on.tick_sequence = body.decided_on.tick_sequence
    order.decided_on.timestamp_ns = body.decided_on.timestamp_ns
    order.created_ns = body.created_ns
    if body.limit_price is not None:
        order.limit_price = decimal_text(body.limit_price)


class OrderRequestEncoder:
    """Builds order requests in one message object, again and again, and sets what differs from the one before."""

    __slots__ = ("_decided", "_kept", "_message", "_order")

    def __init__(self) -> None:
        self._message = pb.Request()
        self._order = self._message.order
        self._decided = self._order.decided_on
        self._kept: tuple[object, ...] | None = None

    def encode(self, value: OrderRequest, *, sequence: int, timestamp_ns: int) -> bytes:
        """Bytes of an envelope with one order."""
        message = self._message
        kept = (
            value.side, value.tp_pct, value.sl_pct, value.reduce_only, value.instrument, value.limit_price,
        )  # fmt: skip
        if kept != self._kept:
            message.Clear()
            self._order = message.order
            _fill_order(self._order, value)
            self._decided = self._order.decided_on
            self._kept = kept
        else:
            order, decided = self._order, value.decided_on
            order.intent_id = value.intent_id
            order.contracts = format(value.contracts, "f")
            order.created_ns = value.created_ns
            self._decided.tick_sequence = decided.tick_sequence
            self._decided.timestamp_ns = decided.timestamp_ns
        message.sequence = sequence
        message.timestamp_ns = timestamp_ns
        return message.SerializeToString()


def encode_request(value: Request) -> bytes:
    """Bytes of one request."""
    message = pb.Request(sequence=value.sequence, timestamp_ns=value.timestamp_ns)
    body = value.body
    if isinstance(body, OrderRequest):
        _fill_order(message.order, body)
    elif isinstance(body, CancelRequest):
        message.cancel.intent_id = body.intent_id
        message.cancel.instrument = body.instrument
        message.cancel.reason = body.reason
        message.cancel.created_ns = body.created_ns
    else:
        message.heartbeat.process = body.process
        message.heartbeat.last_tick_sequence = body.last_tick_sequence
        message.heartbeat.last_decision_sequence = body.last_decision_sequence
        message.heartbeat.created_ns = body.created_ns
    return message.SerializeToString()


def _order(order: pb.OrderRequest) -> OrderRequest:
    side = _SIDES.get(order.side)
    if side is None:
        raise Malformed("OrderRequest", f"side {order.side}; 1 (buy) or 2 (sell) expected")
    limit: Decimal | None = None
    if order.HasField("limit_price"):
        limit = decimal_of(order.limit_price, "OrderRequest.limit_price")
    decided = order.decided_on
    return OrderRequest(
        intent_id=order.intent_id, instrument=order.instrument, side=side,
        contracts=decimal_of(order.contracts, "OrderRequest.contracts"), reduce_only=order.reduce_only,
        tp_pct=order.tp_pct if order.HasField("tp_pct") else None,
        sl_pct=order.sl_pct if order.HasField("sl_pct") else None,
        decided_on=DecidedOn(tick_sequence=decided.tick_sequence, timestamp_ns=decided.timestamp_ns),
        created_ns=order.created_ns, limit_price=limit,
    )  # fmt: skip


def decode_request(payload: bytes | memoryview) -> Request:
    """The request in `payload`. Raises Malformed."""
    try:
        message = pb.Request.FromString(bytes(payload))
    except DecodeError as error:
        raise Malformed("Request", f"not readable ({error})") from None
    which = message.WhichOneof("body")
    body: OrderRequest | CancelRequest | Heartbeat
    if which == "order":
        body = _order(message.order)
    elif which == "cancel":
        cancel = message.cancel
        body = CancelRequest(
            intent_id=cancel.intent_id, instrument=cancel.instrument, reason=cancel.reason, created_ns=cancel.created_ns
        )
    elif which == "heartbeat":
        beat = message.heartbeat
        body = Heartbeat(
            process=beat.process, last_tick_sequence=beat.last_tick_sequence,
            last_decision_sequence=beat.last_decision_sequence, created_ns=beat.created_ns,
        )  # fmt: skip
    else:
        raise Malformed("Request", "neither order, cancel nor heartbeat; a newer peer?")
    return Request(sequence=message.sequence, timestamp_ns=message.timestamp_ns, body=body)


def encode_reply(value: Reply) -> bytes:
    """Bytes of one reply."""
    message = pb.Reply(
        sequence=value.sequence, timestamp_ns=value.timestamp_ns, request_sequence=value.request_sequence
    )
    body = value.body
    if isinstance(body, OrderAck):
        message.ack.intent_id = body.intent_id
        message.ack.client_order_id = body.client_order_id
        message.ack.venue_order_id = body.venue_order_id
        message.ack.accepted_ns = body.accepted_ns
    elif isinstance(body, OrderReject):
        message.reject.intent_id = body.intent_id
        message.reject.code = body.code.value
        message.reject.rule = body.rule
        if body.observed is not None:
            message.reject.observed = body.observed
        if body.limit is not None:
            message.reject.limit = body.limit
        message.reject.text = body.text
    elif isinstance(body, CancelAck):
        message.cancel.intent_id = body.intent_id
        message.cancel.found = body.found
        message.cancel.text = body.text
    else:
        message.heartbeat.trading_state = body.trading_state
        message.heartbeat.last_tick_sequence = body.last_tick_sequence
    return message.SerializeToString()


def _reject(reject: pb.OrderReject) -> OrderReject:
    code, text = RejectCode.INTERNAL, reject.text
    if reject.code in RejectCode.__members__:
        code = RejectCode(reject.code)
    else:  # a newer engine has more codes; a refusal stays a refusal
        text = f"{reject.code}: {text}"
    return OrderReject(
        intent_id=reject.intent_id, code=code, rule=reject.rule,
        observed=reject.observed if reject.HasField("observed") else None,
        limit=reject.limit if reject.HasField("limit") else None, text=text,
    )  # fmt: skip


def decode_reply(payload: bytes | memoryview) -> Reply:
    """The reply in `payload`. Raises Malformed."""
    try:
        message = pb.Reply.FromString(bytes(payload))
    except DecodeError as error:
        raise Malformed("Reply", f"not readable ({error})") from None
    which = message.WhichOneof("body")
    body: OrderAck | OrderReject | CancelAck | HeartbeatAck
    if which == "ack":
        ack = message.ack
        body = OrderAck(
            intent_id=ack.intent_id, client_order_id=ack.client_order_id, venue_order_id=ack.venue_order_id,
            accepted_ns=ack.accepted_ns,
        )  # fmt: skip
    elif which == "reject":
        body = _reject(message.reject)
    elif which == "cancel":
        body = CancelAck(intent_id=message.cancel.intent_id, found=message.cancel.found, text=message.cancel.text)
    elif which == "heartbeat":
        body = HeartbeatAck(
            trading_state=message.heartbeat.trading_state, last_tick_sequence=message.heartbeat.last_tick_sequence
        )
    else:
        raise Malformed("Reply", "neither ack, reject, cancel nor heartbeat; a newer engine?")
    return Reply(
        sequence=message.sequence,
        timestamp_ns=message.timestamp_ns,
        request_sequence=message.request_sequence,
        body=body,
    )
