"""Messages as the processes would publish them, plausible in every field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from schemas import codec
from schemas.messages import (
    AccountState,
    Alert,
    AuditEntry,
    AuditTrail,
    Candle,
    CandleHistory,
    Cause,
    Decision,
    EngineState,
    Flow,
    FlowMark,
    FootprintRow,
    FrameScores,
    FrameStructure,
    Heatmap,
    LogLine,
    MarketTick,
    Metrics,
    OrdersState,
    OrderView,
    PositionsState,
    PositionView,
    PriceLevel,
    PriceZone,
    ProcessView,
    Receipt,
    Side,
    Signal,
    SignalKind,
    Structure,
    StructureMark,
    SystemState,
    TradingState,
)

INSTRUMENT = "BTC-USDT-SWAP"
WALL_NS = 1_721_347_020_000_000_000
MS = 1_000_000


def halted(halt_id: str = "8f3c") -> EngineState:
    cause = Cause(name="operator_halt", since_ns=WALL_NS, detail="kill key", forces=TradingState.HALTED)
    return engine(state=TradingState.HALTED, causes=(cause,), halt_id=halt_id)


def engine(**changes: Any) -> EngineState:
    counters = {"orders": 14, "acks": 12, "rejects": 2, "book_errors": 0, "venue_errors": 1, "malformed": 0}
    value = EngineState(
        timestamp_ns=WALL_NS, state=TradingState.ACTIVE, causes=(), venue="sim", instrument=INSTRUMENT, halt_id=None,
        authority_pct=100.0, brain_age_ms=400.0, ops_age_ms=200.0, feed_age_ms=4.0, last_tick_sequence=7,
        max_order_contracts=Decimal(15), lot=Decimal("0.01"), minimum=Decimal("0.01"),
        contract_value=Decimal("0.01"), counters=counters,
    )  # fmt: skip
    return msgspec.structs.replace(value, **changes)


def tick(sequence: int = 7, last: float = 64_000.1, received_mono_ns: int = 0, **changes: Any) -> MarketTick:
    bids = tuple(round(last - 0.1 * (level + 1), 1) for level in range(20))
    asks = tuple(round(last + 0.1 * (level + 1), 1) for level in range(20))
    value = MarketTick(
        instrument=INSTRUMENT, sequence=sequence, exchange_ns=WALL_NS, received_ns=WALL_NS, published_ns=WALL_NS,
        received_mono_ns=received_mono_ns, book_sequence=sequence, book_valid=True, bid_price=bids[0], bid_size=6.0,
        ask_price=asks[0], ask_size=4.0, last_price=last, last_size=3.0, last_side=Side.BUY, last_id=sequence,
        bid_prices=bids, bid_sizes=(6.0,) * 20, ask_prices=asks, ask_sizes=(4.0,) * 20,
    )  # fmt: skip
    return msgspec.structs.replace(value, **changes)


def tick_bytes(value: MarketTick) -> bytes:
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    for name in ("instrument", "bid_price", "bid_size", "ask_price", "ask_size"):
        del fields[name]
    return bytes(codec.TickEncoder(INSTRUMENT).encode(**fields))


def positions(contracts: str = "12", **changes: Any) -> PositionsState:
    position = PositionView(
        instrument=INSTRUMENT, contracts=Decimal(contracts), average_price=Decimal("63998.4"),
        mark_price=Decimal("64000.1"), unrealised=Decimal("2.04"), liquidation_price=Decimal("51733.2"),
        tp_price=Decimal("64382.4"), sl_price=Decimal("63742.4"), leverage=Decimal(5), margin=Decimal(1536),
        updated_ns=WALL_NS,
    )  # fmt: skip
    return PositionsState(timestamp_ns=WALL_NS, positions=(msgspec.structs.replace(position, **changes),))


def account(realised: str = "123.40") -> AccountState:
    return AccountState(
        timestamp_ns=WALL_NS, currency="USDT", equity=Decimal("100123.4"), available=Decimal(98_000),
        realised_today=Decimal(realised), fees_today=Decimal("-14.22"),
    )  # fmt: skip


def order(number: int, side: str, state: str, filled: int, kind: str = "entry") -> OrderView:
    return OrderView(
        client_order_id=f"k{number}", venue_order_id=str(number), intent_id=f"i{number}", instrument=INSTRUMENT,
        side=side, contracts=Decimal(12), filled_contracts=Decimal(filled),
        average_price=Decimal("64012.4") if filled else None, state=state, reduce_only=kind != "entry", tp_price=None,
        sl_price=None, limit_price=None if filled else Decimal("64382.4"), kind=kind, fee=Decimal(0),
        updated_ns=WALL_NS - number * 1_000 * MS,
    )  # fmt: skip


def orders() -> OrdersState:
    working = (order(2, "sell", "LIVE", 0, "protection"), order(3, "sell", "PARTIALLY_FILLED", 5))
    recent = (order(40, "buy", "FILLED", 12), order(90, "sell", "CANCELED", 0), order(150, "buy", "REJECTED", 0))
    return OrdersState(timestamp_ns=WALL_NS, working=working, recent=recent)


def decision(**changes: Any) -> Decision:
    fast = FrameScores(
        frame="5m", trend_score_pct=1.24, book_imbalance=0.66, trade_pressure=0.58, trend_vote=1, book_vote=1,
        flow_vote=0, direction=1,
    )  # fmt: skip
    slow = FrameScores(
        frame="15m", trend_score_pct=-0.83, book_imbalance=0.66, trade_pressure=None, trend_vote=0, book_vote=1,
        flow_vote=0, direction=0,
    )  # fmt: skip
    value = Decision(
        sequence=3, timestamp_ns=WALL_NS, instrument=INSTRUMENT, tick_sequence=7, tick_received_ns=WALL_NS,
        frames=(fast, slow), direction=1, why_not="COOLDOWN",
        why_not_text="cooldown: 41 s of 60 s left since the entry of 14:03:12", intent_id="", contracts=None,
        price=64_000.1, features={"cvd_contracts": 100.2, "spread_bps": 0.02},
    )  # fmt: skip
    return msgspec.structs.replace(value, **changes)


def system(halt_id: str | None = None, **states: str) -> SystemState:
    processes = tuple(
        ProcessView(
            name=name, pid=4_000 + index, state=states.get(name, "RUNNING"), restarts=index % 2,
            heartbeat_age_ms=None if name == "exchange" else 120.0, reason="", cpu_pct=8.2, memory_mb=80.0,
        )
        for index, name in enumerate(("ops", "exchange", "engine", "brain"))
    )  # fmt: skip
    return SystemState(timestamp_ns=WALL_NS, processes=processes, venue="sim", halt_id=halt_id)


def metrics(**values: float) -> Metrics:
    known = {"engine.tick_to_order_p50_us": 412.0, "engine.tick_to_order_p99_us": 1_290.0}
    return Metrics(timestamp_ns=WALL_NS, values=known | values)


def measured(at_s: int = 0) -> Metrics:
    """All legs in each of their windows, and counters that grow by the second."""
    legs = ("engine.frame_to_publish", "brain.publish_to_decode", "brain.decide", "brain.order_round_trip")
    values: dict[str, float] = {"engine.received": 98_000.0 + 9_800 * at_s, "engine.gaps": 1.0, "brain.ticks": 9.0}
    for number, leg in enumerate((*legs, "engine.gate", "engine.tick_to_order"), 1):
        for window, slower in (("", 1.0), ("_10s", 1.2), ("_start", 2.5)):
            for quantile, times in (("p50", 1), ("p90", 2), ("p99", 5), ("p999", 9), ("max", 20)):
                values[f"{leg}{window}_{quantile}_us"] = number * 14.0 * slower * times + at_s
    return msgspec.structs.replace(metrics(**values), timestamp_ns=WALL_NS + at_s * 1_000 * MS)


def log(text: str, at_s: int = 0, level: str = "info") -> LogLine:
    return LogLine(timestamp_ns=WALL_NS + at_s * 1_000 * MS, process="engine", level=level, text=text)


def pulse(sequence: int = 1) -> Signal:
    return Signal(
        kind=SignalKind.OPS_HEARTBEAT, id=f"hb{sequence}", issuer="ops", reason="", timestamp_ns=WALL_NS,
        sequence=sequence,
    )  # fmt: skip


def receipt(requested_ns: int, steps: int = 0, id_: str = "8f3c") -> Receipt:
    """A receipt that proves the first `steps` of latched, closed, cancelled, confirmed."""
    at = [requested_ns + ms * MS if index < steps else None for index, ms in enumerate((1, 2, 3, 41))]
    return Receipt(
        id=id_, requested_ns=requested_ns, latched_ns=at[0], port_closed_ns=at[1], cancels_sent_ns=at[2],
        venue_confirmed_ns=at[3], open_orders=0 if steps == 4 else None, verified=steps == 4, issuer="op@pts/2",
        reason="kill key",
    )  # fmt: skip


BAR_NS = 300_000 * MS
FIRST_BAR_NS = WALL_NS // BAR_NS * BAR_NS


def candle(number: int = 0, *, confirmed: bool = False, sequence: int = 1, frame: str = "5m") -> Candle:
    """The bar so many after the one of WALL_NS; a price that goes up and down, the same each time."""
    swing = (number * 37) % 23 - 11
    first, last = 64_000.0 + swing, 64_000.0 + (number * 41) % 19 - 9
    return Candle(
        instrument=INSTRUMENT, frame=frame, sequence=sequence, open_ns=FIRST_BAR_NS + number * BAR_NS,
        received_ns=WALL_NS + sequence, open=first, high=max(first, last) + 6, low=min(first, last) - 5, close=last,
        volume=20.0 + (number * 29) % 31, confirmed=confirmed,
    )  # fmt: skip


def history(bars: int = 80) -> CandleHistory:
    candles = tuple(candle(number, confirmed=True) for number in range(-bars, 0))
    return CandleHistory(instrument=INSTRUMENT, frame="5m", sequence=1, received_ns=WALL_NS, candles=candles)


def flow(**changes: Any) -> Flow:
    value = Flow(
        timestamp_ns=WALL_NS, instrument=INSTRUMENT, frame="1m", counters={}, imbalance=0.66, pressure=0.58,
        cvd_contracts=312.5, cvd_session_ns=WALL_NS, cvd_since_ns=WALL_NS,
        cvd_bars=(10.0, 60.0, 40.0, 120.0, 180.0, 310.0), footprint_open_ns=FIRST_BAR_NS, footprint_bucket=5.0,
        footprint_poc=64_000.0,
        footprint=(
            FootprintRow(price=63_995.0, bought=4.0, sold=9.5), FootprintRow(price=64_000.0, bought=20.0, sold=12.0),
        ),
        marks=(FlowMark(
            kind="large_trade", side=Side.SELL, at_ns=WALL_NS, confirmed_ns=WALL_NS, price=64_001.0, contracts=51.5
        ),),
    )  # fmt: skip
    return msgspec.structs.replace(value, **changes)


def heatmap(rows: int = 24, columns: int = 40) -> Heatmap:
    """A wall that moves up by a row every second column, and little elsewhere."""
    cells = bytes(
        230 if row == (column // 2 + 4) % rows else 20 + (row * 7 + column * 3) % 60
        for row in range(rows)
        for column in range(columns)
    )
    return Heatmap(
        timestamp_ns=WALL_NS, instrument=INSTRUMENT, provider="book", bucket=0.5, first_price=63_994.0, rows=rows,
        column_ns=tuple(WALL_NS - (columns - 1 - column) * 1_000 * MS for column in range(columns)),
        peak_contracts=320.0, cells=cells,
    )  # fmt: skip


def alert(kind: str = "brain_death", *, since_s: int = 0, active: bool = True) -> Alert:
    return Alert(
        kind=kind, text="brain_dead: no heartbeat for 3.2 s", since_ns=WALL_NS + since_s * 1_000 * MS, level="error",
        active=active,
    )  # fmt: skip


def structure() -> Structure:
    zone = PriceZone(
        direction=1, top=63_994.0, bottom=63_988.0, open_ns=candle(-20).open_ns, confirmed_ns=candle(-18).open_ns
    )
    gap = PriceZone(
        direction=-1, top=64_014.0, bottom=64_010.0, open_ns=candle(-9).open_ns, confirmed_ns=candle(-8).open_ns
    )
    level = PriceLevel(top=64_020.0, bottom=64_018.0, touches=3, open_ns=candle(-30).open_ns, confirmed_ns=WALL_NS)
    mark = StructureMark(
        kind="bos", direction=1, price=64_016.0, open_ns=candle(-15).open_ns, confirmed_ns=candle(-12).open_ns
    )
    frame = FrameStructure(
        frame="5m", unknown="", bars=80, open_ns=candle(-1).open_ns, trend_pct=1.24, structure=1, blocks=(zone,),
        gaps=(gap,), levels=(level,), marks=(mark,),
    )  # fmt: skip
    return Structure(timestamp_ns=WALL_NS, instrument=INSTRUMENT, frames=(frame,))


def audit() -> AuditTrail:
    entries = (
        AuditEntry(
            number=1, timestamp_ns=WALL_NS - 90_000 * MS, issuer="op@/dev/pts/1", action="attach", detail="",
            outcome="noted", ok=True,
        ),
        AuditEntry(
            number=2, timestamp_ns=WALL_NS - 30_000 * MS, issuer="op@/dev/pts/2", action="config",
            detail="risk.max_orders_per_s 5 -> 3", outcome="taken", ok=True, took_ms=14.2,
        ),
    )  # fmt: skip
    return AuditTrail(timestamp_ns=WALL_NS, entries=entries)
