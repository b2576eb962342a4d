"""THE CRITICAL PATH: a request on the command channel -> risk -> journal -> venue -> reply. Top to bottom on this page.

Requests are answered concurrently: the gate judges at once, what it clears waits for the venue in a task of its own,
and a heartbeat is never held back by either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from math import isnan
from typing import Final

from engine.desk_counters import DeskCounters
from engine.execution.lifecycle import LifecycleError, OrderState
from engine.execution.orders import OrderRecord
from engine.execution.router import Unresolved
from engine.limits import Limits
from engine.market import Market
from engine.refusals import NO_TERMS, last_word, rejected
from engine.risk.gate import Cleared
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.view import Refusal, RiskView
from engine.safety.watches import BrainWatch
from engine.trading import Trading
from engine.verdicts import DepthSeen, VerdictLog
from schemas import codec
from schemas.channels import NullTap, Replier, Wire
from schemas.channels import Reply as Answer
from schemas.clock import NS_PER_MS, Clock
from schemas.latency import LatencyWindow
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
    TradingState,
)

_UNREADABLE: Final = "unreadable"
_ZERO: Final = Decimal(0)

Work = Coroutine[None, None, tuple[OrderRecord, OrderAck | OrderReject]]
"""An order on its way."""


class Desk:
    """Answers the command channel. Orders of the engine itself (`operate`) go through the same gate."""

    def __init__(
        self,
        *,
        wire: Wire,
        endpoint: str,
        market: Market,
        trading: Trading,
        limits: Limits,
        causes: TradingCauses,
        brain: BrainWatch,
        clock: Clock,
        on_reject: Callable[[OrderReject], None],
        verdicts: VerdictLog | None = None,
    ) -> None:
        self._wire, self._endpoint = wire, endpoint
        self._market, self._trading, self._limits, self._causes = market, trading, limits, causes
        self._account, self._orders = trading.account, trading.orders
        self._brain, self._clock, self._on_reject = brain, clock, on_reject
        self.verdicts = verdicts or VerdictLog(NullTap(), clock)
        self._intents = trading.journal.recalled.intents
        self._mono_ns = clock.monotonic_ns
        self._replier: Replier | None = None
        self._sequence = 0
        self._waiting: dict[int, str] = {}
        """Intents on their way, by the identity of what answers them."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.counters = DeskCounters()
        self.tick_to_order = LatencyWindow()
        self.gate_cost = LatencyWindow()
        self._dummy: bytes | None = None

    def open(self) -> None:
        """Take requests. Raises ChannelError when the endpoint is taken."""
        if self._replier is None:
            self._replier = self._wire.replier(self._endpoint, self.on_request)
            self._brain.reopened(self._mono_ns())

    def close(self) -> tuple[int, int]:
        """Answer what waits, then refuse connections. The trading state must forbid sending by now.

        Returns how many orders have not left for the venue, and never will, and how many are on their way.
        """
        if self._replier is not None:
            for waiting in list(self._replier.pending):
                intent_id = self._waiting.get(id(waiting), "")
                self._answer(waiting, 0, last_word(intent_id, self._orders.find(intent_id) if intent_id else None))
            self._replier.close()
            self._replier = None
        states = [record.state for record in self._orders.working() if record.intent_id]
        return states.count(OrderState.NEW), states.count(OrderState.SENT) + states.count(OrderState.UNKNOWN)

    @property
    def is_open(self) -> bool:
        """Does the port take connections?"""
        return self._replier is not None

    def on_request(self, payload: memoryview, answer: Answer) -> None:
        """One request."""
        self.counters.requests += 1
        try:
            request = codec.decode_request(payload)
        except codec.Malformed as error:
            self.counters.malformed += 1
            self._refuse(answer, 0, OrderReject(
                intent_id="", code=RejectCode.MALFORMED, rule=_UNREADABLE, observed=None, limit=None, text=str(error)
            ))  # fmt: skip
            return
        body = request.body
        if isinstance(body, OrderRequest):
            self._on_order(body, request, answer)
        elif isinstance(body, Heartbeat):
            self.counters.heartbeats += 1
            self._brain.on_heartbeat(body, self._mono_ns(), newest=self._market.touch.sequence)
            ack = HeartbeatAck(
                trading_state=self._causes.state.value, last_tick_sequence=self._market.touch.sequence
            )  # fmt: skip
            self._answer(answer, request.sequence, ack)
        else:
            self._spawn(self._cancel(body, request.sequence, answer))

    def _on_order(self, order: OrderRequest, request: Request, answer: Answer) -> None:
        now_ns = self._mono_ns()
        decided_ns = self._market.tick_mono_ns(order.decided_on.tick_sequence)
        if decided_ns is not None:
            self.tick_to_order.add(now_ns - decided_ns)
        self.counters.orders += 1
        view, gate = self.view(order), self._limits.gate
        verdict = self._limits.judge(order, view)
        cost_ns = self._mono_ns() - now_ns
        self.gate_cost.add(cost_ns)
        if isinstance(verdict, Refusal):
            self._refuse(answer, request.sequence, rejected(order, verdict))
        else:
            self._waiting[id(answer)] = order.intent_id
            self._spawn(self._reply(order, self._begin(verdict), request.sequence, answer))
        self.verdicts.add(order, view, gate, verdict, judged_ns=now_ns, cost_ns=cost_ns, by="brain")

    async def operate(self, order: OrderRequest) -> OrderAck | OrderReject:
        """An order of the engine itself, a protective close: the same gate, the same journal, the same path."""
        return await self._carry(order, self.view(order))

    async def liquidate(self, order: OrderRequest, held: Decimal) -> OrderAck | OrderReject:
        """A close of what the venue says is held, contracts: no halt stops it, and it waits for no price."""
        view = replace(self.view(order), trading_state=TradingState.REDUCING, position=held, liquidation=True)
        return await self._carry(order, view)

    async def _carry(self, order: OrderRequest, view: RiskView) -> OrderAck | OrderReject:
        now_ns, gate = self._mono_ns(), self._limits.gate
        verdict = self._limits.judge(order, view)
        cost_ns = self._mono_ns() - now_ns
        self.verdicts.add(order, view, gate, verdict, judged_ns=now_ns, cost_ns=cost_ns, by="engine")
        if isinstance(verdict, Refusal):
            return rejected(order, verdict)
        if self._trading.terms is None:
            return rejected(order, NO_TERMS)
        return await self._finish(order, self._begin(verdict))

    def view(self, order: OrderRequest) -> RiskView:
        """What the rules may know at this instant."""
        market, account, orders, touch = self._market, self._account, self._orders, self._market.touch
        now_ns, wall_ns = self._mono_ns(), self._clock.wall_ns()
        price = _decimal(touch.ask if order.side is Side.BUY else touch.bid)
        terms, mid, mark = self._trading.terms, touch.mid, touch.mark
        beat_ms = self._brain.age_ms(now_ns)
        working = orders.unfilled()
        notional = _ZERO if terms is None or price is None else working.notional(terms.contract_value, price)
        return RiskView(
            trading_state=self._causes.state,
            causes=self._causes.names,
            instrument=market.instrument,
            terms=terms,
            equity=account.equity,
            available=account.available,
            position=account.contracts,
            working_buy=working.buy,
            working_sell=working.sell,
            working_notional=notional,
            leverage=account.leverage,
            liquidation_price=account.liquidation_price,
            price=price,
            mid=None if isnan(mid) else mid,
            mark=None if isnan(mark) else mark,
            depth=DepthSeen(market.book),
            book_valid=touch.book_valid,
            price_age_ns=self._price_age_ns(order.decided_on),
            order_age_ns=wall_ns - order.created_ns,
            feed_age_ns=now_ns - touch.mono_ns if touch.mono_ns else None,
            brain_age_ns=None if beat_ms is None else int(beat_ms * NS_PER_MS),
            clock_offset_ns=self._trading.clock_watch.offset_ns(),
            day=self._limits.day(account, mark=_decimal(mark), terms=terms),
            traffic=self._limits.traffic.seen(now_ns),
            authority_pct=self._limits.authority.pct(now_ns),
            known_intents=self._intents,
        )

    def _price_age_ns(self, decided: DecidedOn) -> int | None:
        """Time between the price decided on and the current one; None when it is not a price of this engine.

        The wall times of both are the engine's own; with a sequence the monotonic times decide as well. A tick that is
        too old to be remembered is at least as old as the oldest that is.
        """
        touch = self._market.touch
        if not touch.sequence or decided.tick_sequence > touch.sequence:
            return None
        age_ns = abs(touch.received_ns - decided.timestamp_ns)
        if decided.tick_sequence:
            age_ns = max(age_ns, touch.mono_ns - self._market.at_the_latest_ns(decided.tick_sequence))
        return age_ns

    def _begin(self, cleared: Cleared) -> Work:
        terms, touch = self._trading.terms, self._market.touch
        assert terms is not None  # the gate refuses without them
        self._intents.add(cleared.order.intent_id)
        price = touch.ask if cleared.order.side is Side.BUY else touch.bid
        return self._trading.router.place(cleared, terms=terms, price=price)

    async def _reply(self, order: OrderRequest, work: Work, request_sequence: int, answer: Answer) -> None:
        body = await self._finish(order, work)
        self._waiting.pop(id(answer), None)
        if isinstance(body, OrderReject):
            self._refuse(answer, request_sequence, body)
        else:
            self.counters.acks += 1
            self._answer(answer, request_sequence, body)

    async def _finish(self, order: OrderRequest, work: Work) -> OrderAck | OrderReject:
        try:
            record, said = await work
        except (Unresolved, LifecycleError) as error:
            cause = CauseName.ORDER_UNKNOWN if isinstance(error, Unresolved) else CauseName.LIFECYCLE_ERROR
            self._causes.hold(cause, True, str(error))
            self._trading.ask_anew()
            return OrderReject(
                intent_id=order.intent_id, code=RejectCode.VENUE_UNKNOWN, rule="execution", observed=None,
                limit=None, text=str(error),
            )  # fmt: skip
        self._trading.guard.note(record)
        return said

    async def _cancel(self, request: CancelRequest, request_sequence: int, answer: Answer) -> None:
        found, text = await self._trading.cancel(request.intent_id)
        self._answer(answer, request_sequence, CancelAck(intent_id=request.intent_id, found=found, text=text))

    def _refuse(self, answer: Answer, request_sequence: int, reject: OrderReject) -> None:
        self.counters.reject(reject.rule)
        self._answer(answer, request_sequence, reject)
        self._on_reject(reject)

    def _answer(
        self, answer: Answer, request_sequence: int, body: OrderAck | OrderReject | CancelAck | HeartbeatAck
    ) -> None:
        if answer.answered:  # when the port was closed
            return
        self._sequence += 1
        reply = Reply(
            sequence=self._sequence, timestamp_ns=self._clock.wall_ns(), request_sequence=request_sequence, body=body
        )
        answer(codec.encode_reply(reply))

    def keep_warm(self) -> None:
        """Run the path on a dummy that no rule lets pass: a cold one costs ten times as much."""
        if self._dummy is None:
            order = OrderRequest(
                intent_id="warm", instrument=self._market.instrument, side=Side.BUY, contracts=Decimal(1),
                decided_on=DecidedOn(tick_sequence=0, timestamp_ns=0), created_ns=0, tp_pct=1.0, sl_pct=1.0,
            )  # fmt: skip
            self._dummy = codec.encode_request(Request(sequence=0, timestamp_ns=0, body=order))
        request = codec.decode_request(self._dummy)
        assert isinstance(request.body, OrderRequest)
        self._limits.gate.judge(request.body, self.view(request.body))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def _decimal(price: float) -> Decimal | None:
    return None if isnan(price) else Decimal(str(price))
