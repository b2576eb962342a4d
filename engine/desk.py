"""THE CRITICAL PATH: a request on the command channel -> risk -> journal -> venue -> reply. Top to bottom on this page.

Requests are answered concurrently: the gate judges at once, what it clears waits for the venue in a task of its own,
and a heartbeat is never held back by either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import Final

from engine.account import Account
from engine.execution.lifecycle import LifecycleError
from engine.execution.orders import OrderBookkeeper
from engine.execution.router import Router, Unresolved
from engine.market import Market
from engine.risk.gate import Cleared, Gate
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.view import Refusal, RiskView, Terms
from engine.safety.watches import BrainWatch
from engine.venue.rest import Rest, VenueError
from schemas import codec
from schemas.channels import Replier, Wire
from schemas.channels import Reply as Answer
from schemas.clock import Clock
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


@dataclass(slots=True)
class DeskCounters:
    """What came in on the command channel since the start."""

    requests: int = 0
    heartbeats: int = 0
    orders: int = 0
    acks: int = 0
    rejects: int = 0
    malformed: int = 0


class Desk:
    """Answers the command channel. `terms` is None until the venue has told them.

    `on_unknown`: an order's fate is not known, and everything must be asked anew.
    """

    def __init__(
        self,
        *,
        wire: Wire,
        endpoint: str,
        market: Market,
        account: Account,
        orders: OrderBookkeeper,
        router: Router,
        rest: Rest,
        gate: Gate,
        causes: TradingCauses,
        brain: BrainWatch,
        intents: set[str],
        clock: Clock,
        on_reject: Callable[[OrderReject], None],
        on_unknown: Callable[[], None],
    ) -> None:
        self._wire, self._endpoint = wire, endpoint
        self._market, self._account, self._orders = market, account, orders
        self._router, self._rest, self._gate, self._causes = router, rest, gate, causes
        self._brain, self._intents, self._clock, self._on_reject = brain, intents, clock, on_reject
        self._on_unknown = on_unknown
        self._mono_ns = clock.monotonic_ns
        self._replier: Replier | None = None
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.terms: Terms | None = None
        self.counters = DeskCounters()
        self.tick_to_order = LatencyWindow()
        self._dummy: bytes | None = None

    def open(self) -> None:
        """Take requests. Raises ChannelError when the endpoint is taken."""
        if self._replier is None:
            self._replier = self._wire.replier(self._endpoint, self.on_request)

    def close(self) -> None:
        """Answer what waits, then refuse connections."""
        if self._replier is None:
            return
        for waiting in list(self._replier.pending):
            body = OrderReject(
                intent_id="", code=RejectCode.TRADING_STATE, rule="trading_state", observed=self._causes.state.value,
                limit=TradingState.ACTIVE.value, text="the engine closes its command port",
            )  # fmt: skip
            self._answer(waiting, 0, body)
        self._replier.close()
        self._replier = None

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
            self._brain.on_heartbeat(body, self._mono_ns())
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
        verdict = self._gate.judge(order, self.view(order))
        if isinstance(verdict, Refusal):
            self._refuse(answer, request.sequence, OrderReject(
                intent_id=order.intent_id, code=verdict.code, rule=verdict.rule, observed=verdict.observed,
                limit=verdict.limit, text=verdict.text,
            ))  # fmt: skip
            return
        self._intents.add(order.intent_id)
        self._spawn(self._execute(verdict, request.sequence, answer))

    def view(self, order: OrderRequest) -> RiskView:
        """What the rules may know at this instant."""
        touch = self._market.touch
        price = touch.ask if order.side is Side.BUY else touch.bid
        return RiskView(
            trading_state=self._causes.state,
            causes=", ".join(cause.name for cause in self._causes.standing()),
            instrument=self._market.instrument,
            terms=self.terms,
            equity=self._account.equity,
            position=self._account.contracts,
            working_buy=self._orders.working_contracts(Side.BUY),
            working_sell=self._orders.working_contracts(Side.SELL),
            price=None if isnan(price) else price,
            price_age_ns=self._price_age_ns(order.decided_on),
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

    async def _execute(self, cleared: Cleared, request_sequence: int, answer: Answer) -> None:
        order, terms, touch = cleared.order, self.terms, self._market.touch
        price = touch.ask if order.side is Side.BUY else touch.bid
        body: OrderAck | OrderReject
        try:
            assert terms is not None  # the gate refuses without them
            body = await self._router.place(cleared, terms=terms, price=price)
        except (Unresolved, LifecycleError) as error:
            cause = CauseName.ORDER_UNKNOWN if isinstance(error, Unresolved) else CauseName.LIFECYCLE_ERROR
            self._causes.hold(cause, True, str(error))
            self._on_unknown()
            body = OrderReject(
                intent_id=order.intent_id, code=RejectCode.VENUE_UNKNOWN, rule="execution", observed=None,
                limit=None, text=str(error),
            )  # fmt: skip
        if isinstance(body, OrderReject):
            self._refuse(answer, request_sequence, body)
        else:
            self.counters.acks += 1
            self._answer(answer, request_sequence, body)

    async def _cancel(self, request: CancelRequest, request_sequence: int, answer: Answer) -> None:
        record = self._orders.find(request.intent_id)
        if record is None or not record.venue_order_id:
            text = "no order of this intent is known at the venue"
            self._answer(answer, request_sequence, CancelAck(intent_id=request.intent_id, found=False, text=text))
            return
        try:
            (said,) = await self._rest.cancel(record.instrument, [record.venue_order_id])
            text = "cancel sent" if said == "0" else f"the venue says {said}"
        except (VenueError, ValueError) as error:
            text = str(error)
        self._answer(answer, request_sequence, CancelAck(intent_id=request.intent_id, found=True, text=text))

    def _refuse(self, answer: Answer, request_sequence: int, reject: OrderReject) -> None:
        self.counters.rejects += 1
        self._answer(answer, request_sequence, reject)
        self._on_reject(reject)

    def _answer(
        self, answer: Answer, request_sequence: int, body: OrderAck | OrderReject | CancelAck | HeartbeatAck
    ) -> None:
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
        self._gate.judge(request.body, self.view(request.body))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
