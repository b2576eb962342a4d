from __future__ import annotations

from schemas import codec
from schemas.messages import AccountState, EngineState, TradingState
from schemas.settings import Settings
from schemas.topology import STATE_ACCOUNT, STATE_ENGINE
from sovereign_tui.ops.watch import Watch
from tests.support.clock import ManualClock

INSTRUMENT = "BTC-USDT-SWAP"
STATE = EngineState(
    timestamp_ns=1, state=TradingState.ACTIVE, causes=(), venue="sim", instrument=INSTRUMENT, halt_id=None,
    authority_pct=100.0, brain_age_ms=None, ops_age_ms=None, feed_age_ms=None, last_tick_sequence=0,
    max_order_contracts=None, lot=None, minimum=None, contract_value=None, counters={},
)  # fmt: skip
ACCOUNT = AccountState(
    timestamp_ns=1, currency="USDT", equity=None, available=None, realised_today=None, fees_today=None
)


class Scene:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.watch = Watch(settings=Settings(), clock=self.clock)
        self.encoder = codec.TickEncoder(INSTRUMENT)

    def tick(self, sequence: int, *, valid: bool = True, age_ns: int = 0, bids: int = 2) -> None:
        payload = self.encoder.encode(
            sequence=sequence, exchange_ns=1, received_ns=1, published_ns=1,
            received_mono_ns=self.clock.monotonic_ns() - age_ns, book_sequence=1, book_valid=valid,
            bid_prices=[100.0, 99.0][:bids], bid_sizes=[1.0, 2.0][:bids], ask_prices=[101.0], ask_sizes=[1.0],
        )  # fmt: skip
        self.watch.on_tick("view.tick.x", sequence, 0, memoryview(bytes(payload)))


def test_nothing_seen_is_unknown_not_zero() -> None:
    scene = Scene()
    market = scene.watch.market()
    assert (market.last, market.bid, market.imbalance, market.tick_age_ms, market.ticks_per_s) == (None,) * 5
    assert not scene.watch.engine().known
    assert scene.watch.account() is None
    assert scene.watch.decision() is None


def test_a_tick_ages_from_when_the_engine_received_it() -> None:
    scene = Scene()
    scene.tick(1, age_ns=4_000_000_000)  # a last value, replayed to a late joiner
    assert scene.watch.market().tick_age_ms == 4_000.0
    scene.tick(2)
    scene.clock.advance(ms=40)
    market = scene.watch.market()
    assert (market.tick_age_ms, market.bid, market.ask, market.imbalance) == (40.0, 100.0, 101.0, 0.75)
    assert market.last is None  # NaN on the wire


def test_an_invalid_book_has_no_prices() -> None:
    scene = Scene()
    scene.tick(1, valid=False)
    market = scene.watch.market()
    assert (market.bid, market.ask, market.imbalance) == (None, None, None)


def test_the_rate_counts_sequences_not_messages_and_begins_anew_with_the_engine() -> None:
    scene = Scene()
    scene.tick(1)
    scene.clock.advance(s=1)
    scene.tick(101)
    assert scene.watch.market().ticks_per_s == 100.0
    scene.tick(1)
    assert scene.watch.market().ticks_per_s is None
    scene.clock.advance(s=4)
    assert scene.watch.market().ticks_per_s is None


def test_what_an_engine_said_goes_with_its_process() -> None:
    scene = Scene()
    scene.watch.on_state(STATE_ENGINE, 1, 0, memoryview(codec.encode_engine_state(STATE)))
    scene.watch.on_state(STATE_ACCOUNT, 1, 0, memoryview(codec.encode_account(ACCOUNT)))
    assert (scene.watch.engine().state, scene.watch.account()) == (STATE, ACCOUNT)
    scene.watch.forget_engine()
    assert not scene.watch.engine().known
    scene.watch.on_state(STATE_ENGINE, 1, 0, memoryview(codec.encode_engine_state(STATE)))
    assert (scene.watch.engine().state, scene.watch.account()) == (STATE, None)


def test_an_engine_that_falls_silent_is_unknown_and_so_is_what_it_said() -> None:
    scene = Scene()
    scene.watch.on_state(STATE_ENGINE, 1, 0, memoryview(codec.encode_engine_state(STATE)))
    scene.watch.on_state(STATE_ACCOUNT, 1, 0, memoryview(codec.encode_account(ACCOUNT)))
    scene.clock.advance(s=3)
    assert scene.watch.engine().state == STATE
    assert scene.watch.account() == ACCOUNT
    scene.clock.advance(ms=1)
    assert scene.watch.engine().state is None
    assert scene.watch.account() is None


def test_malformed_messages_are_unknown_and_counted() -> None:
    scene = Scene()
    scene.watch.on_state(STATE_ENGINE, 1, 0, memoryview(b"\xff\xff"))
    scene.watch.on_tick("view.tick.x", 1, 0, memoryview(b"short"))
    assert not scene.watch.engine().known
    assert scene.watch.market().bid is None
    assert scene.watch.malformed == 2
