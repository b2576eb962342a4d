"""A home whose blackbox is written by hand: a clock that is set, and whatever a process would have recorded."""

from __future__ import annotations

import json
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from brain.brain import intent_prefix
from schemas import codec
from schemas.blackbox import BlackboxWriter, Direction
from schemas.messages import (
    DecidedOn,
    Decision,
    FrameScores,
    MarketTick,
    OrderAck,
    OrderReject,
    OrderRequest,
    RejectCode,
    Reply,
    Request,
    Side,
    Signal,
    SignalKind,
    Telemetry,
    TelemetryKind,
)
from schemas.settings import Home

SENT, RECEIVED, NOTE = Direction.SENT, Direction.RECEIVED, Direction.NOTE
START = 1_763_730_000_000_000_000
INTENT = intent_prefix(START - 1_000_000_000) + "1"
CLIENT, VENUE = "so586a48b0110ba628319ac3e9b0e0", "2896576259728699392"
STOP = "sp" + CLIENT[2:]
TICK = MarketTick(
    instrument="BTC-USDT-SWAP", sequence=22, exchange_ns=START - 6_000_000, received_ns=START, published_ns=START,
    received_mono_ns=1_000_000_000, book_sequence=1, book_valid=True, bid_price=63_999.8, bid_size=78.1,
    ask_price=63_999.9, ask_size=67.7, last_price=63_999.9, last_size=1.0, last_side=Side.BUY, last_id=1,
    bid_prices=(63_999.8,), bid_sizes=(78.1,), ask_prices=(63_999.9,), ask_sizes=(67.7,),
)  # fmt: skip
ORDER = OrderRequest(
    intent_id=INTENT, instrument="BTC-USDT-SWAP", side=Side.SELL, contracts=Decimal("0.78"), tp_pct=0.6, sl_pct=0.4,
    decided_on=DecidedOn(tick_sequence=22, timestamp_ns=START), created_ns=START + 400_000,
)  # fmt: skip
FRAME = FrameScores(
    frame="5m", trend_score_pct=-1.5, book_imbalance=0.3, trade_pressure=None, trend_vote=-1, book_vote=-1,
    flow_vote=0, direction=-1,
)  # fmt: skip
REFUSAL = {
    "code": "RISK_VIOLATION",
    "rule": "max_notional",
    "observed": "499.20 USDT",
    "limit": "100 USDT",
    "text": "no",
}


def home_of(directory: Path) -> Home:
    home = Home.from_environment({"SOVEREIGN_HOME": str(directory)})
    home.prepare()
    return home


class SetClock:
    """As far as the test has set it: us since the tick arrived, at 1 s of monotonic time."""

    def __init__(self) -> None:
        self.us = 0.0

    def wall_ns(self) -> int:
        return START + int(self.us * 1_000)

    def monotonic_ns(self) -> int:
        return 1_000_000_000 + int(self.us * 1_000)


class Scribe:
    """Writes what processes would have recorded."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.clock = SetClock()
        self._writers: dict[str, BlackboxWriter] = {}

    def record(self, us: float, process: str, direction: Direction, channel: str, topic: str, payload: object) -> None:
        """One record, `us` after the tick arrived; what is no bytes is written as JSON."""
        self.clock.us = us
        body = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
        if process not in self._writers:
            self._writers[process] = BlackboxWriter(self.home.blackbox, process, self.clock)
        self._writers[process].record(direction, channel, topic, body, vital=True)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def journal(self, *events: dict[str, Any]) -> None:
        path = self.home.data / "journal" / "orders.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            for event in events:
                body = json.dumps(event, separators=(",", ":")).encode()
                file.write(b"%08x %s\n" % (zlib.crc32(body), body))


def request(order: OrderRequest = ORDER) -> bytes:
    return codec.encode_request(Request(sequence=1, timestamp_ns=START, body=order))


def reply(body: OrderAck | OrderReject) -> bytes:
    return codec.encode_reply(Reply(sequence=1, timestamp_ns=START, request_sequence=1, body=body))


ACK = OrderAck(intent_id=INTENT, client_order_id=CLIENT, venue_order_id=VENUE, accepted_ns=START)
REJECT = OrderReject(
    intent_id=INTENT, code=RejectCode.RISK_VIOLATION, rule="max_notional", observed="499.20 USDT", limit="100 USDT",
    text="no",
)  # fmt: skip


def tick(value: MarketTick = TICK) -> bytes:
    names = ("sequence", "exchange_ns", "received_ns", "published_ns", "received_mono_ns", "book_sequence",
             "book_valid", "bid_prices", "bid_sizes", "ask_prices", "ask_sizes", "last_price", "last_size")  # fmt: skip
    encoder = codec.TickEncoder(value.instrument)
    return bytes(encoder.encode(**{name: getattr(value, name) for name in names}))


def telemetry(kind: TelemetryKind, process: str, data: dict[str, Any]) -> bytes:
    return codec.encode_telemetry(
        Telemetry(kind=kind, process=process, pid=1, sequence=1, timestamp_ns=START, mono_ns=1, data=data)
    )


def decision(intent_id: str = INTENT, *, made_us: int = 450) -> dict[str, Any]:
    made = Decision(
        sequence=3, timestamp_ns=START + made_us * 1_000, instrument="BTC-USDT-SWAP", tick_sequence=22,
        tick_received_ns=START, frames=(FRAME,), direction=-1, why_not="", why_not_text="", intent_id=intent_id,
        contracts=Decimal("0.78"), price=63_999.8,
        features={
            "tick.bid": 63_999.8, "tick.bid_size": 78.1, "tick.ask": 63_999.9, "tick.ask_size": 67.7,
            "size.equity_usdt": 100_000.0, "size.risk_pct": 0.5,
        },
    )  # fmt: skip
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found


def gate(*, refusal: dict[str, str] | None = None, judged_us: int = 600) -> dict[str, Any]:
    rule = {"rule": "max_notional", "code": "RISK_VIOLATION", "observed": "499.20 USDT", "limit": "50000 USDT"}
    last = {"rule": "duplicate_intent", "code": "DUPLICATE_INTENT", "observed": None, "limit": None}
    outcomes = ("passed", "passed") if refusal is None else ("refused", "not asked")
    return {
        "judged_ns": 1_000_000_000 + judged_us * 1_000, "cost_ns": 15_000, "by": "brain",
        "order": {"intent_id": INTENT, "side": 2, "contracts": "0.78", "instrument": "BTC-USDT-SWAP", "tp_pct": 0.6,
                  "sl_pct": 0.4, "limit_price": None, "reduce_only": False},
        "client_order_id": CLIENT, "verdict": "cleared" if refusal is None else "refused", "refusal": refusal,
        "view": {"trading_state": "ACTIVE", "causes": "", "equity": "100000"},
        "rules": [{**rule, "outcome": outcomes[0]}, {**last, "outcome": outcomes[1]}],
    }  # fmt: skip


def halt_signal(halt_id: str, kind: SignalKind = SignalKind.SYSTEM_HALT, *, target: str = "") -> bytes:
    return codec.encode_signal(
        Signal(kind=kind, id=halt_id, issuer="me@tty", reason="why not", timestamp_ns=START, target=target)
    )
