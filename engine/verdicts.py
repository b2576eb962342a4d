"""Every verdict of the gate, with its whole table, in the record: a little later, since the order goes first.

What the gate saw is kept as it was. The view is a value of that instant but for two things, which are frozen:
- the book changes at once, and all that a rule asks of it is one average price: `DepthSeen` remembers the answer;
- the set of known intents grows: whether this one was in it decides nothing but the last rule, and is told by the
  verdict: an order that another rule refused was not looked for there.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import msgspec

from engine.execution.router import client_order_id_of
from engine.risk.gate import Cleared, Gate
from engine.risk.rules import DuplicateIntent
from engine.risk.view import Depth, Refusal, RiskView
from schemas.blackbox import Direction, NullTap, Tap
from schemas.clock import NS_PER_S, Clock
from schemas.messages import OrderRequest

CHANNEL: Final = "gate"
UNTOLD: Final = "untold"
"""Topic of the note that says how many refusals have no table."""
_TELL_AFTER_S: Final = 0.02
_TELL_ON_AFTER_S: Final = 0.005
_AT_ONCE: Final = 2
_MOST_A_SECOND: Final = 50
"""Tables a second; a brain that is refused a thousand times a second must not fill the disk with reasons."""
_LEFT_OUT: Final = frozenset({"depth", "known_intents", "terms", "day", "traffic"})


class DepthSeen:
    """The book as the gate saw it: what it answered first is its answer from then on."""

    __slots__ = ("_answer", "_asked", "_depth")

    def __init__(self, depth: Depth) -> None:
        self._depth = depth
        self._asked = False
        self._answer: float | None = None

    def average_price(self, *, buy: bool, contracts: float) -> float | None:
        """See Depth. Only ever asked about one order."""
        if not self._asked:
            self._asked, self._answer = True, self._depth.average_price(buy=buy, contracts=contracts)
        return self._answer


class _Judged(NamedTuple):
    order: OrderRequest
    view: RiskView
    gate: Gate
    verdict: Cleared | Refusal
    judged_ns: int
    cost_ns: int
    by: str


class VerdictLog:
    """Takes verdicts, records each as one note (channel "gate", topic: the intent) some 20 ms later.

    What was cleared always has its table; of what was refused at most 50 a second have, and one note tells how many
    have not: their refusals still stand in the recorded replies. Without a blackbox nothing is kept.
    """

    def __init__(self, tap: Tap, clock: Clock) -> None:
        self._tap = None if isinstance(tap, NullTap) else tap
        self._clock = clock
        self._waiting: list[_Judged] = []
        self._second_ns = 0
        self._in_second = 0
        self._untold = 0
        self._untold_since_ns = 0

    def add(
        self, order: OrderRequest, view: RiskView, gate: Gate, verdict: Cleared | Refusal, *, judged_ns: int,
        cost_ns: int, by: str,
    ) -> None:  # fmt: skip
        """One verdict of this instant. `judged_ns`: monotonic; `cost_ns`: of view and verdict; `by`: whose order."""
        if self._tap is None:
            return
        if judged_ns - self._second_ns >= NS_PER_S:
            self._second_ns, self._in_second = judged_ns, 0
        self._in_second += 1
        if self._in_second > _MOST_A_SECOND and not isinstance(verdict, Cleared):
            if not self._untold:
                self._untold_since_ns = judged_ns
                asyncio.get_running_loop().call_later(1.0, self._tell_untold)
            self._untold += 1
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(_TELL_AFTER_S, self._tell)
        self._waiting.append(_Judged(order, view, gate, verdict, judged_ns, cost_ns, by))

    def flush(self) -> None:
        """Record what waits: the engine ends."""
        self._put(len(self._waiting))
        self._tell_untold()

    def _tell(self) -> None:
        """A few at a time: fifty at once would hold up whatever comes in, a halt too, by 20 ms."""
        self._put(_AT_ONCE)
        if self._waiting:
            asyncio.get_running_loop().call_later(_TELL_ON_AFTER_S, self._tell)

    def _put(self, most: int) -> None:
        told, self._waiting = self._waiting[:most], self._waiting[most:]
        for judged in told:
            self._note(judged.order.intent_id, _told(judged))

    def _tell_untold(self) -> None:
        count, self._untold = self._untold, 0
        if count:
            span = {"since_ns": self._untold_since_ns, "until_ns": self._clock.monotonic_ns()}
            self._note(UNTOLD, {"refused_without_table": count, **span})

    def _note(self, topic: str, what: dict[str, Any]) -> None:
        if self._tap is not None:
            self._tap.record(Direction.NOTE, CHANNEL, topic, msgspec.json.encode(what), vital=True)


def _told(judged: _Judged) -> dict[str, Any]:
    """The note: times in ns on the monotonic clock, money in USDT, sizes in contracts."""
    verdict, view = judged.verdict, judged.view
    refusal = verdict if isinstance(verdict, Refusal) else None
    duplicate = refusal is not None and refusal.rule == DuplicateIntent.name
    view.known_intents = {judged.order.intent_id} if duplicate else set()
    return {
        "judged_ns": judged.judged_ns,
        "cost_ns": judged.cost_ns,
        "by": judged.by,
        "order": judged.order,
        "client_order_id": client_order_id_of(judged.order.intent_id),
        "verdict": "cleared" if refusal is None else "refused",
        "refusal": refusal,
        "view": _seen(view),
        "rules": [note._asdict() for note in judged.gate.explain(judged.order, view)],
    }


def _seen(view: RiskView) -> dict[str, Any]:
    """What the rules looked at, by the view's own names; its parts as objects."""
    plain = {name: getattr(view, name) for name in RiskView.__slots__ if name not in _LEFT_OUT}
    return {**plain, "terms": view.terms, "day": view.day, "traffic": view.traffic}
