"""What an armed fault makes of an order op of a websocket, as `door.py` does it for REST. No socket.

What bends the answer never bends the work: an op is either done as it came, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from engine.exchange.faults import answers
from engine.exchange.faults.lines import Lines
from engine.exchange.faults.switchboard import Fault, Switchboard

CALLS: Final = {
    "order": "trade/order",
    "batch-orders": "trade/batch-orders",
    "cancel-order": "trade/cancel-order",
    "batch-cancel-orders": "trade/cancel-batch-orders",
    "amend-order": "trade/amend-order",
    "batch-amend-orders": "trade/amend-batch-orders",
}
"""Op -> the REST call that does the same; both doors share limits and faults."""
OUTCOMES: Final = (
    "rate_limited",
    "unavailable",
    "endpoint_timeout",
    "order_timeout",
    "unexplained_answer",
    "disconnect_mid_order",
    "ack_lost",
    "fill_before_ack",
)
"""At most one of them strikes an op; asked in this order."""


class OrderLine:
    """The way from an order op to its answer. `drop` cuts the connection that asked, `flush` sends what was pushed."""

    def __init__(
        self,
        faults: Switchboard,
        lines: Lines,
        *,
        now_ms: Callable[[], int],
        flush: Callable[[], None],
        drop: Callable[[], None],
        send: Callable[[bytes], None],
    ) -> None:
        self._faults, self._lines, self._now_ms = faults, lines, now_ms
        self._flush, self._drop, self._send = flush, drop, send

    def serve(self, op: str, request_id: str, args: Sequence[Any], work: Callable[[], Mapping[str, Any]]) -> None:
        """`work` does the op and gives the body of its answer."""
        call = CALLS[op]

        def struck(name: str) -> Fault | None:
            return self._faults.strikes(name, lambda fault: fault.strikes_call("POST", call))

        slow = struck("slow_answer")
        fault = next((found for name in OUTCOMES if (found := struck(name)) is not None), None)
        body = self._answer(fault, args, work)
        if body is None:
            if fault is not None and fault.name == "ack_lost":
                self._drop()
            return
        message = orjson.dumps({"id": request_id, "op": op, **body})
        delay_ms = 0 if slow is None else slow.delay_ms
        if fault is not None and fault.name == "fill_before_ack":
            delay_ms += fault.delay_ms
        if delay_ms:
            self._lines.later(delay_ms, lambda: self._send(message))
        else:
            self._send(message)

    def _answer(
        self, fault: Fault | None, args: Sequence[Any], work: Callable[[], Mapping[str, Any]]
    ) -> Mapping[str, Any] | None:
        """None: there is none."""
        name = "" if fault is None else fault.name
        match name:
            case "rate_limited":
                return _told(answers.rate_limited().body)
            case "unavailable":
                return _told(answers.unavailable().body)
            case "disconnect_mid_order":
                self._lines.drop_private()  # first: what the op causes is pushed to nobody
        body = work() if fault is None or fault.executed is not False else None
        if fault is not None:
            self._flush()
        match name:
            case "endpoint_timeout":
                return _told(answers.endpoint_timeout().body)
            case "order_timeout":
                return _told(answers.order_timeout(orjson.dumps(args).decode(), self._now_ms()).body)
            case "unexplained_answer":
                said = self._faults.choose(answers.UNEXPLAINED)
                return said if isinstance(said, dict) else {"data": said}
            case "ack_lost" | "disconnect_mid_order":
                return None
        return body


def _told(raw: bytes) -> Mapping[str, Any]:
    body: Mapping[str, Any] = orjson.loads(raw)
    return body
