"""Orders and heartbeats to the engine's command channel. Nothing here raises out: what fails is counted and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas import codec
from schemas.channels import ChannelError, Requester, RequestTimeout
from schemas.clock import Clock
from schemas.latency import LatencyWindow
from schemas.messages import Heartbeat, OrderAck, OrderReject, OrderRequest, Request

ORDER_TIMEOUT_S: Final = 15.0
"""Longer than the engine needs to find out about an order that its venue does not answer for."""
_HEARTBEAT_TIMEOUT_S: Final = 1.0

OnOutcome = Callable[[OrderRequest, OrderAck | OrderReject | None], None]
"""None: the outcome is unknown."""


@dataclass(slots=True)
class LinkCounters:
    """What happened on the command channel since the start."""

    orders: int = 0
    acks: int = 0
    rejects: int = 0
    lost: int = 0
    malformed: int = 0


class EngineLink:
    """One connection to the engine. `on_outcome` is called exactly once for each order that `send` took."""

    def __init__(self, *, requester: Requester, clock: Clock, on_outcome: OnOutcome) -> None:
        self._requester, self._clock, self._on_outcome = requester, clock, on_outcome
        self._encoder = codec.OrderRequestEncoder()
        self._sequence = 0
        self.counters = LinkCounters()
        self.round_trip = LatencyWindow()

    @property
    def connected(self) -> bool:
        """Is the command channel connected?"""
        return self._requester.connected

    def send(self, order: OrderRequest) -> bool:
        """Send one order; False when it certainly was not sent."""
        self._sequence += 1
        began_ns = self._clock.monotonic_ns()

        def on_reply(answer: bytes | RequestTimeout) -> None:
            self.round_trip.add(self._clock.monotonic_ns() - began_ns)
            self._on_outcome(order, self._read(answer))

        payload = self._encoder.encode(order, sequence=self._sequence, timestamp_ns=self._clock.wall_ns())
        try:
            self._requester.request_nowait(payload, on_reply, ORDER_TIMEOUT_S)
        except ChannelError:
            return False
        self.counters.orders += 1
        return True

    def _read(self, answer: bytes | RequestTimeout) -> OrderAck | OrderReject | None:
        if isinstance(answer, RequestTimeout):
            self.counters.lost += 1
            return None
        try:
            body = codec.decode_reply(answer).body
        except codec.Malformed:
            self.counters.malformed += 1
            return None
        if isinstance(body, OrderAck):
            self.counters.acks += 1
            return body
        if isinstance(body, OrderReject):
            self.counters.rejects += 1
            return body
        self.counters.malformed += 1
        return None

    def warm(self, order: OrderRequest) -> None:
        """Encode an order that is never sent: a cold encoder costs ten times as much."""
        self._encoder.encode(order, sequence=0, timestamp_ns=0)

    def heartbeat(self, *, process: str, tick_sequence: int, decision_sequence: int) -> None:
        """A pulse; when the port is closed it is simply not sent."""
        self._sequence += 1
        now_ns = self._clock.wall_ns()
        beat = Heartbeat(
            process=process, last_tick_sequence=tick_sequence, last_decision_sequence=decision_sequence,
            created_ns=now_ns,
        )  # fmt: skip
        payload = codec.encode_request(Request(sequence=self._sequence, timestamp_ns=now_ns, body=beat))
        try:
            self._requester.request_nowait(payload, lambda answer: None, _HEARTBEAT_TIMEOUT_S)
        except ChannelError:
            return
