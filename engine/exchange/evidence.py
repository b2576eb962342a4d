"""The exchange's own record, to be held against the engine's: what was asked and answered, and what became of orders.

Independent of the engine's account of itself: which orders were accepted, when (monotonic clock of this machine), and
when each was gone. Bodies and private frames only, no header and no login: nothing secret is ever handed over.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from engine.exchange.notes import AlgoNote, Note, OrderNote
from schemas.blackbox import Direction, Tap
from schemas.clock import Clock

PROCESS: Final = "exchange"
MATCHING: Final = "matching"
_PUBLIC: Final = ("/api/v5/public/", "/api/v5/market/")
_PRIVATE: Final = "/api/v5/"
_PUSH_STARTS: Final = b'{"arg":'
_ORDER: Final = (
    "ordId", "clOrdId", "state", "side", "ordType", "sz", "px", "accFillSz", "avgPx", "fillSz", "fillPx", "tradeId",
    "fillFee", "reduceOnly", "cancelSource", "amendResult", "algoId", "algoClOrdId", "attachAlgoOrds", "tag",
)  # fmt: skip
_ALGO: Final = (
    "algoId", "algoClOrdId", "state", "side", "ordType", "sz", "closeFraction", "tpTriggerPx", "slTriggerPx",
    "actualSide", "actualPx", "ordId", "linkedOrd", "failCode", "tag",
)  # fmt: skip


class Evidence:
    """Records. Channels: "rest" (topic: method and path), "ws" (topic: ws/private), and notes on "matching".

    A note's topic is clOrdId, else ordId (algoClOrdId, else algoId); its JSON is the order as it is after the change,
    by OKX's names, with `kind` ("order" or "algo") and `mono_ns`.
    """

    def __init__(self, tap: Tap, clock: Clock) -> None:
        self._record = tap.record
        self._clock = clock

    def asked(self, method: str, raw_target: str, body: str) -> None:
        """A REST request came in."""
        path, _, query = raw_target.partition("?")
        if path.startswith(_PRIVATE) and not path.startswith(_PUBLIC):
            payload = (body or query).encode()
            self._record(Direction.RECEIVED, "rest", f"{method} {path}", payload, vital=method == "POST")

    def answered(self, method: str, raw_target: str, status: int | None, body: bytes) -> None:
        """Its answer goes out; `status` None: the connection is dropped without one."""
        path = raw_target.partition("?")[0]
        if not path.startswith(_PRIVATE) or path.startswith(_PUBLIC):
            return
        topic, vital = f"{method} {path}", method == "POST"
        if status is None:
            self._record(Direction.NOTE, "rest", topic, b"dropped without an answer", vital=vital)
        else:
            self._record(Direction.SENT, "rest", topic if status == 200 else f"{topic} {status}", body, vital=vital)

    def heard(self, text: str) -> None:
        """A frame of a logged-in private websocket that is no login."""
        self._record(Direction.RECEIVED, "ws", "ws/private", text.encode(), vital=True)

    def said(self, frame: bytes) -> None:
        """The answer to an order operation."""
        self._record(Direction.SENT, "ws", "ws/private", frame, vital=True)

    def pushed(self, frame: bytes) -> None:
        """A push of a private channel; events may quote what they refuse, and are left out."""
        if frame.startswith(_PUSH_STARTS):
            self._record(Direction.SENT, "ws", "ws/private", frame, vital=False)

    def note(self, note: Note) -> None:
        """A change of an order or of an algo order, at the very moment."""
        if isinstance(note, OrderNote):
            self._matched("order", note.row, _ORDER, note.row["clOrdId"] or note.row["ordId"])
        elif isinstance(note, AlgoNote):
            self._matched("algo", note.row, _ALGO, note.row["algoClOrdId"] or note.row["algoId"])

    def _matched(self, kind: str, row: dict[str, Any], names: tuple[str, ...], topic: str) -> None:
        told = {"kind": kind, "mono_ns": self._clock.monotonic_ns(), **{name: row[name] for name in names}}
        self._record(Direction.NOTE, MATCHING, topic, orjson.dumps(told), vital=True)
