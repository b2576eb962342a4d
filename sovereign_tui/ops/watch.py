"""What the market channel says: the newest of each, with ages by our monotonic clock. Old is unknown, not zero."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Final, TypeVar

from schemas import codec
from schemas.channels import Wire
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import AccountState, Decision, EngineState, MarketTick, OrdersState, PositionsState
from schemas.settings import Settings
from schemas.topology import STATE_ACCOUNT, STATE_ENGINE, STATE_ORDERS, STATE_POSITIONS, shown_tick

STALE_NS: Final = 3 * NS_PER_S
_RATE_WINDOW_NS: Final = 3 * NS_PER_S
_RATE_STEP_NS: Final = NS_PER_S // 10

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """The engine as far as it is known. `known` False: never seen, or silent for 3 s."""

    known: bool
    state: EngineState | None = None

    @property
    def halt_id(self) -> str | None:
        """The standing halt, as the engine says it."""
        return self.state.halt_id if self.state is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """Prices in quote currency; `imbalance` is the bid share of size in [0, 1]. None: not known."""

    instrument: str
    last: float | None = None
    bid: float | None = None
    ask: float | None = None
    imbalance: float | None = None
    tick_age_ms: float | None = None
    ticks_per_s: float | None = None


class Watch:
    """The picture. Messages are only put aside as they come; they are read when somebody looks."""

    def __init__(self, *, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._instrument = settings.venue.instrument
        self._levels = settings.brain.book_levels
        self._decoder = codec.TickDecoder(self._instrument)
        self._tick: tuple[int, MarketTick] | None = None
        self._rates: deque[tuple[int, int]] = deque()
        self._states: dict[str, bytes] = {}
        self._engine_seen_ns: int | None = None
        self._decision: tuple[int, Decision] | None = None
        self.malformed = 0
        self.gaps: Callable[[], int] = lambda: 0

    def open(self, wire: Wire, endpoint: str) -> None:
        """Subscribes: the states, and of the ticks those that are for screens."""
        states = wire.subscriber(endpoint, ["state."], self.on_state)
        wire.subscriber(endpoint, [shown_tick(self._instrument)], self.on_tick)
        self.gaps = lambda: states.gaps

    def on_state(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        """A message of `state.*`."""
        self._states[topic] = bytes(payload)
        if topic == STATE_ENGINE:
            self._engine_seen_ns = self._clock.monotonic_ns()

    def on_tick(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        """A message of `view.tick.<instrument>`. Which tick of all it shows, its own sequence says."""
        now = self._clock.monotonic_ns()
        try:
            newest = self._decoder.decode(payload)
        except codec.Malformed:
            self.malformed += 1
            self._tick = None
            return
        self._tick = (now, newest)
        rates = self._rates
        if rates and newest.sequence < rates[-1][1]:
            rates.clear()  # the engine was started anew
        if not rates or now - rates[-1][0] >= _RATE_STEP_NS:
            rates.append((now, newest.sequence))
        while now - rates[0][0] > _RATE_WINDOW_NS and len(rates) > 1:
            rates.popleft()

    def forget_engine(self) -> None:
        """Its process is gone: what it said last is not the state of the next one."""
        self._engine_seen_ns = None
        self._states.clear()

    def on_decision(self, decision: Decision) -> None:
        """What the brain pushed last."""
        self._decision = (self._clock.monotonic_ns(), decision)

    def engine(self) -> EngineView:
        """The state that the engine's process said, unless it is older than 3 s."""
        seen = self._engine_seen_ns
        if seen is None or self._clock.monotonic_ns() - seen > STALE_NS:
            return EngineView(known=False)
        state = self._read(STATE_ENGINE, codec.decode_engine_state)
        return EngineView(known=state is not None, state=state)

    def orders(self) -> OrdersState | None:
        """None while the engine is unknown."""
        return self._of_a_known_engine(STATE_ORDERS, codec.decode_orders)

    def positions(self) -> PositionsState | None:
        """None while the engine is unknown."""
        return self._of_a_known_engine(STATE_POSITIONS, codec.decode_positions)

    def account(self) -> AccountState | None:
        """None while the engine is unknown."""
        return self._of_a_known_engine(STATE_ACCOUNT, codec.decode_account)

    def decision(self) -> tuple[float, Decision] | None:
        """The brain's last decision and its age in ms, unless it is older than 3 s."""
        if self._decision is None:
            return None
        age = self._clock.monotonic_ns() - self._decision[0]
        return (age / NS_PER_MS, self._decision[1]) if age <= STALE_NS else None

    def market(self) -> MarketView:
        """The newest tick. Its age counts from when the engine received it: a last value may be old already."""
        if self._tick is None:
            return MarketView(instrument=self._instrument)
        arrived, newest = self._tick
        now = self._clock.monotonic_ns()
        since = newest.received_mono_ns if 0 < newest.received_mono_ns <= now else arrived
        age_ns = now - since
        return MarketView(
            instrument=self._instrument,
            last=_number(newest.last_price),
            bid=_number(newest.bid_price) if newest.book_valid else None,
            ask=_number(newest.ask_price) if newest.book_valid else None,
            imbalance=_imbalance(newest, self._levels),
            tick_age_ms=age_ns / NS_PER_MS,
            ticks_per_s=self._rate(now) if age_ns <= STALE_NS else None,
        )

    def _rate(self, now: int) -> float | None:
        if len(self._rates) < 2:
            return None
        (first_ns, first), (_, last) = self._rates[0], self._rates[-1]
        return round((last - first) * NS_PER_S / max(1, now - first_ns), 1)

    def _of_a_known_engine(self, topic: str, decode: Callable[[bytes], _T]) -> _T | None:
        return self._read(topic, decode) if self.engine().known else None

    def _read(self, topic: str, decode: Callable[[bytes], _T]) -> _T | None:
        payload = self._states.get(topic)
        if payload is None:
            return None
        try:
            return decode(payload)
        except codec.Malformed:
            self.malformed += 1
            return None


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _imbalance(newest: MarketTick, levels: int) -> float | None:
    if not newest.book_valid:
        return None
    bids, asks = sum(newest.bid_sizes[:levels]), sum(newest.ask_sizes[:levels])
    return bids / (bids + asks) if bids + asks > 0 else None
