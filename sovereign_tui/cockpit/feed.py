"""From the sockets to messages: what arrives is kept as bytes, and decoded only when the screen is painted.

What is true now (`state.*`, `ops.system`, ticks) is kept once per topic, the newest. What happened (log lines,
receipts, signals, and the orders with their fills) is kept each, in order, on a subscriber that does not conflate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from schemas import codec, topology
from schemas.channels import Subscriber, Wire
from schemas.clock import NS_PER_S, Clock
from schemas.messages import MarketTick
from schemas.settings import Settings
from sovereign_tui.cockpit.view import Counts, TickRate

Decode = Callable[[memoryview], object]
Arrived = tuple[object, int]
"""A message, and the monotonic ns at which it was heard."""

_NOW: Final[dict[str, Decode]] = {
    topology.STATE_ENGINE: codec.decode_engine_state,
    topology.STATE_POSITIONS: codec.decode_positions,
    topology.STATE_ACCOUNT: codec.decode_account,
    topology.STATE_DECISION: codec.decode_decision,
    topology.OPS_SYSTEM: codec.decode_system,
    topology.OPS_METRICS: codec.decode_metrics,
    topology.OPS_FLOW: codec.decode_flow,
    topology.OPS_HEATMAP: codec.decode_heatmap,
    topology.OPS_STRUCTURE: codec.decode_structure,
    topology.OPS_AUDIT: codec.decode_audit,
}
_EACH: Final[dict[str, Decode]] = {
    topology.STATE_ORDERS: codec.decode_orders,
    topology.OPS_LOG: codec.decode_log,
    topology.OPS_RECEIPT: codec.decode_receipt,
    topology.SIGNAL: codec.decode_signal,
    topology.OPS_ALERT: codec.decode_alert,
}
_MOST_WAITING: Final = 5_000


class RateMeter:
    """Ticks a second over the last second or so, from the stream's own numbers: conflation does not hide any."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def measure(self, sequence: int | None, now_ns: int) -> float | None:
        """The rate at `now_ns`, when `sequence` was the last number; None before there is a second of them."""
        if sequence is None:
            return None
        if self._seen and sequence < self._seen[-1][1]:
            self._seen.clear()  # the publisher began anew
        self._seen.append((now_ns, sequence))
        while len(self._seen) > 2 and now_ns - self._seen[1][0] >= NS_PER_S:
            self._seen.popleft()
        first_ns, first = self._seen[0]
        past_ns = now_ns - first_ns
        return None if past_ns < NS_PER_S else (sequence - first) * NS_PER_S / past_ns


class Feed:
    """The subscriptions of one screen. `poll` on the paint timer."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock) -> None:
        instrument = settings.venue.instrument
        self._clock = clock
        self._tick_topic = topology.shown_tick(instrument)
        self._tick_decoder = codec.TickDecoder(instrument)
        self._newest: dict[str, tuple[int, memoryview]] = {}
        self._waiting: deque[tuple[str, int, memoryview]] = deque(maxlen=_MOST_WAITING)
        self._heard: set[str] = set()
        self._tick_sequence: int | None = None
        self._rate = RateMeter()
        self._malformed = 0
        self._problem = ""
        self._each = dict(_EACH)
        for frame in settings.brain.frames:
            self._each[topology.candle(frame, instrument)] = codec.decode_candle
            self._each[topology.history(frame, instrument)] = codec.decode_history
        candles = tuple(topic for topic in self._each if topic not in _EACH)
        market, signal = settings.wire.market, settings.wire.signal
        self._subscribers: tuple[Subscriber, ...] = (
            wire.subscriber(market, self._tick_topic, self._on_message, newest=True, name="ticks"),
            wire.subscriber(market, ("state.", *candles), self._on_message, name="market"),
            wire.subscriber(
                signal, ("ops.", topology.STATE_DECISION, topology.SIGNAL), self._on_message, name="signal"
            ),
        )

    def poll(self) -> list[Arrived]:
        """What has arrived since the last call, decoded; malformed messages are counted, never raised."""
        self._subscribers[0].look()
        newest, self._newest = self._newest, {}
        arrived: list[Arrived] = []
        while self._waiting:
            topic, at_ns, payload = self._waiting.popleft()
            self._decode(self._each[topic], payload, at_ns, arrived)
        for topic, (at_ns, payload) in newest.items():
            decode = self._tick_decoder.decode if topic == self._tick_topic else _NOW[topic]
            self._decode(decode, payload, at_ns, arrived)
        now_ns = self._clock.monotonic_ns()
        rate = self._rate.measure(self._tick_sequence, now_ns)
        if rate is not None:
            arrived.append((TickRate(per_s=rate), now_ns))
        arrived.append((self._counts(), now_ns))
        return arrived

    def _on_message(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        at_ns = self._clock.monotonic_ns()
        if topic not in self._heard:
            # the last value of a stream comes to whoever subscribes: it may be old, and must not look new
            self._heard.add(topic)
            at_ns -= max(0, self._clock.wall_ns() - timestamp_ns)
        if topic in self._each:
            self._waiting.append((topic, at_ns, payload))
        elif topic in _NOW or topic == self._tick_topic:
            self._newest[topic] = (at_ns, payload)

    def _decode(self, decode: Decode, payload: memoryview, at_ns: int, arrived: list[Arrived]) -> None:
        try:
            message = decode(payload)
        except codec.Malformed as error:
            self._malformed += 1
            self._problem = str(error)
            return
        if isinstance(message, MarketTick):
            self._tick_sequence = message.sequence
            if 0 < message.received_mono_ns <= at_ns:
                at_ns = message.received_mono_ns  # the price is as old as its frame, not as its message
        arrived.append((message, at_ns))

    def _counts(self) -> Counts:
        subscribers = self._subscribers
        return Counts(
            received=sum(each.received for each in subscribers),
            gaps=sum(each.gaps for each in subscribers),
            lost=sum(each.lost for each in subscribers),
            malformed=self._malformed + sum(each.malformed for each in subscribers),
            restarts=max(each.restarts for each in subscribers[:2]),
            last_problem=self._problem,
        )
