"""The router beside a venue that has no time, does not answer, or does not remember: what is sent, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.exchange.faults.switchboard import Fault
from engine.execution.lifecycle import OrderState
from engine.execution.orders import OrderRecord
from engine.execution.router import Unresolved, client_order_id_of
from engine.risk.gate import Cleared, Gate
from engine.risk.rules import Measured
from engine.risk.view import Refusal, RiskView
from engine.venue import codes
from engine.venue.answers import Fill, VenueBusy, VenueRefused, VenueUnknown
from schemas.messages import OrderAck, OrderReject, OrderRequest, RejectCode, Side
from tests.support.books import Bookkeeping, place
from tests.support.laboratory import Laboratory, exchange_orders
from tests.support.orders import TERMS, order, view
from tests.support.virtual import LoopClock, run_virtually

PLACE = "POST /trade/order"
LOOK_UP, FILLS, PENDING = "GET /trade/order", "GET /trade/fills", "GET /trade/orders-pending"
KINDS = pytest.mark.parametrize("reduce_only", [False, True])


class _LetsPass:
    name = "lets everything pass"
    code = RejectCode.INTERNAL
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        return None

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        return Measured(None, None)


class Scene:
    """Books that listen to no push, so that every answer has to be asked for."""

    def __init__(self, lab: Laboratory, directory: Path) -> None:
        self.lab = lab
        self.books = Bookkeeping(lab, directory / "orders.log")

    async def place(
        self, intent: str = "i1", *, liquidation: bool = False, **changes: Any
    ) -> tuple[OrderRecord, OrderAck | OrderReject]:
        if changes.get("reduce_only"):
            changes = {"side": Side.SELL, "tp_pct": None, "sl_pct": None, **changes}
        request = order(intent_id=intent, **changes)
        seen = view()
        seen.liquidation = liquidation
        cleared = Gate([_LetsPass()]).judge(request, seen)
        assert isinstance(cleared, Cleared)
        return await self.books.router.place(cleared, terms=TERMS, price=64_000.0)

    def arm(self, name: str, **parameters: Any) -> None:
        self.lab.faults.arm(Fault(name=name, **parameters))

    def sent(self) -> int:
        return self.books.calls.count(PLACE)

    def fees(self) -> Decimal:
        """What the venue charged."""
        return sum((fill.fee for fill in self.lab.exchange.desk.orders.fills), Decimal(0))

    def booked_fees(self) -> Decimal:
        """What the engine's ledger knows of it."""
        self.books.ledger.whole = True
        today = self.books.ledger.today(self.lab.clock.wall_ns())
        assert today is not None
        return today[1]

    def taken(self, intent: str = "i1") -> int:
        ours = client_order_id_of(intent)
        return sum(each.terms.cl_ord_id == ours for each in exchange_orders(self.lab.exchange))

    def answers(self, *raised: Exception | None, after_s: float = 0.0) -> None:
        """What the venue says to the next placings, before it is asked; None: what it would say."""
        left, truth = list(raised), self.books.rest.place

        async def say(body: dict[str, Any], *, expires_ms: int) -> str:
            error = left.pop(0) if left else None
            if error is None:
                return await truth(body, expires_ms=expires_ms)
            self.books.calls.append(PLACE)
            await asyncio.sleep(after_s)
            raise error

        self.books.rest.place = say  # type: ignore[method-assign,assignment]


def at_venue(tmp_path: Path, act: Callable[[Scene], Awaitable[None]]) -> None:
    async def scene(clock: LoopClock) -> None:
        lab = Laboratory(tmp_path, clock)
        try:
            await act(Scene(lab, tmp_path))
        finally:
            await lab.close()

    run_virtually(scene)


@pytest.mark.parametrize("code", sorted(codes.BUSY))
@KINDS
def test_only_what_reduces_is_sent_again_to_a_venue_that_had_no_time(
    tmp_path: Path, code: str, reduce_only: bool
) -> None:
    async def act(scene: Scene) -> None:
        place(scene.lab, "held", Side.BUY, "2")
        scene.answers(VenueBusy("/trade/order", code, "busy"), VenueBusy("/trade/order", code, "busy"))
        record, said = await scene.place(reduce_only=reduce_only)
        if reduce_only:
            assert isinstance(said, OrderAck)
            assert (record.state, scene.sent(), scene.taken()) == (OrderState.LIVE, 3, 1)
        else:
            assert isinstance(said, OrderReject)
            assert (said.code, said.rule) == (RejectCode.VENUE_REFUSED, f"venue {code}")
            assert (record.state, scene.sent(), scene.taken()) == (OrderState.REFUSED, 1, 0)

    at_venue(tmp_path, act)


def test_a_venue_that_never_has_time_refuses_in_the_end(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        place(scene.lab, "held", Side.BUY, "2")
        scene.arm("rate_limited", call="trade/order")
        record, said = await scene.place(reduce_only=True)
        assert isinstance(said, OrderReject)
        assert (said.rule, record.state, scene.sent()) == ("venue 50011", OrderState.REFUSED, 4)

    at_venue(tmp_path, act)


@pytest.mark.parametrize("code", sorted(codes._REFUSALS - {"51016"}))
def test_every_other_refusal_is_final_also_for_what_reduces(tmp_path: Path, code: str) -> None:
    async def act(scene: Scene) -> None:
        scene.answers(VenueRefused("/trade/order", code, "no"))
        record, said = await scene.place(reduce_only=True)
        assert said == OrderReject(
            intent_id="i1", code=RejectCode.VENUE_REFUSED, rule=f"venue {code}", observed=None, limit=None, text="no"
        )
        assert (record.state, scene.books.calls) == (OrderState.REFUSED, [PLACE])

    at_venue(tmp_path, act)


@pytest.mark.parametrize("code", sorted(codes.UNKNOWN))
@KINDS
def test_an_unknown_outcome_is_asked_for_and_never_sent_again(tmp_path: Path, code: str, reduce_only: bool) -> None:
    async def act(scene: Scene) -> None:
        scene.answers(VenueUnknown("/trade/order", code, "?"))
        record, said = await scene.place(reduce_only=reduce_only)
        assert isinstance(said, OrderReject)
        assert (said.code, record.state) == (RejectCode.VENUE_UNKNOWN, OrderState.REFUSED)
        assert (scene.sent(), scene.taken()) == (1, 0)
        assert scene.books.calls[-3:] == [LOOK_UP, FILLS, PENDING]
        waited_s = (scene.lab.clock.monotonic_ns() - record.sent_ns) / 1e9
        assert 3.0 < waited_s < 5.0  # its expTime, and a second

    at_venue(tmp_path, act)


def test_what_was_sent_again_is_not_given_up_before_it_has_expired(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        busy = VenueBusy("/trade/order", "50011", "busy")
        scene.answers(busy, busy, busy, VenueUnknown("/trade/order", "50004", "?"), after_s=0.6)
        record, said = await scene.place(reduce_only=True)
        assert isinstance(said, OrderReject)
        assert (said.code, scene.sent(), record.state) == (RejectCode.VENUE_UNKNOWN, 4, OrderState.REFUSED)
        last_sent_ns = record.sent_ns + 3_000_000_000  # the waits between four sends, and three answers
        ttl_ns = scene.lab.settings.risk.order_ttl_ms * 1_000_000
        assert scene.lab.clock.monotonic_ns() > last_sent_ns + ttl_ns

    at_venue(tmp_path, act)


def test_a_shorter_life_set_meanwhile_is_not_that_of_an_order_sent_before(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.answers(VenueUnknown("/trade/order", "50004", "?"), after_s=1.0)
        scene.books.router._ttl_ms = lambda: 10_000
        placing = asyncio.ensure_future(scene.place())
        await asyncio.sleep(0.5)
        scene.books.router._ttl_ms = lambda: 100
        record, _ = await placing
        assert scene.lab.clock.monotonic_ns() > record.sent_ns + 10_000_000_000

    at_venue(tmp_path, act)


def test_a_duplicate_id_means_that_it_is_there_and_is_looked_up(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        theirs = place(scene.lab, client_order_id_of("i1"), Side.BUY, "1", px=scene.lab.centre - 50)
        record, said = await scene.place(limit_price=Decimal("63995"))
        assert isinstance(said, OrderAck)
        assert (said.venue_order_id, record.state) == (theirs.ord_id, OrderState.LIVE)
        assert (scene.sent(), scene.taken()) == (1, 1)
        assert LOOK_UP in scene.books.calls

    at_venue(tmp_path, act)


@pytest.mark.parametrize("limit", [None, Decimal("63995")])
def test_an_order_whose_answer_was_lost_is_found_as_an_order(tmp_path: Path, limit: Decimal | None) -> None:
    async def act(scene: Scene) -> None:
        scene.arm("ack_lost", times=1)
        scene.arm("not_found", times=1, lookups=2)
        record, said = await scene.place(limit_price=limit)
        (there,) = exchange_orders(scene.lab.exchange)
        assert isinstance(said, OrderAck)
        assert (said.venue_order_id, record.state.value, record.filled) == (
            there.ord_id, there.state, Decimal(there.filled) / 100
        )  # fmt: skip
        assert (scene.sent(), scene.books.calls.count(LOOK_UP)) == (1, 3)
        assert scene.fees() == scene.booked_fees()

    at_venue(tmp_path, act)


def test_an_order_that_no_look_up_finds_is_found_by_its_fills(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.arm("ack_lost", times=1)
        scene.arm("not_found", times=1, lookups=100)
        record, said = await scene.place(contracts=Decimal(120))  # over two levels: two fills
        (there,) = exchange_orders(scene.lab.exchange)
        assert isinstance(said, OrderAck)
        assert (record.state, record.filled, record.venue_order_id) == (OrderState.FILLED, Decimal(120), there.ord_id)
        assert record.average_price == (Decimal("64000") * 100 + Decimal("64000.1") * 20) / 120
        assert abs(record.fee - there.fee) < Decimal("1e-9")
        assert scene.sent() == 1
        assert len(scene.lab.exchange.desk.orders.fills) == 2
        assert scene.fees() == scene.booked_fees() != 0

    at_venue(tmp_path, act)


def test_an_order_that_no_look_up_finds_is_found_in_the_pending_list(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.arm("ack_lost", times=1)
        scene.arm("not_found", times=1, lookups=100)
        record, said = await scene.place(limit_price=Decimal("63995"))
        assert isinstance(said, OrderAck)
        assert (record.state, scene.sent(), scene.taken()) == (OrderState.LIVE, 1, 1)
        assert scene.books.calls[-1] == PENDING

    at_venue(tmp_path, act)


def test_a_fill_of_nothing_is_no_fill(tmp_path: Path) -> None:
    """OKX has sent increments of size zero."""

    async def act(scene: Scene) -> None:
        scene.answers(VenueUnknown("/trade/order", "50004", "?"))
        nothing = Fill(
            instId="BTC-USDT-SWAP", tradeId="", ordId="7", clOrdId=client_order_id_of("i1"), fillPx="0", fillSz="0"
        )

        async def fills(instrument: str, *, since_ms: int | None = None) -> list[Fill]:
            return [nothing]

        scene.books.rest.fills = fills  # type: ignore[method-assign]
        record, said = await scene.place()
        assert isinstance(said, OrderReject)
        assert (said.code, record.state, record.filled) == (RejectCode.VENUE_UNKNOWN, OrderState.REFUSED, Decimal(0))

    at_venue(tmp_path, act)


def test_a_venue_that_does_not_answer_at_all_leaves_it_unresolved(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.arm("unavailable")
        with pytest.raises(Unresolved, match="the venue does not answer; trading stops, reconcile"):
            await scene.place()
        record = scene.books.orders.find("i1")
        assert record is not None
        assert (record.state, scene.sent(), scene.books.router.in_flight) == (OrderState.UNKNOWN, 1, 0)

    at_venue(tmp_path, act)


def test_one_unanswered_question_for_an_old_order_is_asked_again(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        record, _ = await scene.place(limit_price=Decimal("63995"))
        await asyncio.sleep(60)
        scene.arm("unavailable", times=2)
        assert await scene.books.router.resolve(record)
        assert (record.state, scene.books.calls.count(LOOK_UP)) == (OrderState.LIVE, 3)

    at_venue(tmp_path, act)


@pytest.mark.parametrize("skew_ms", [0, 5_000, -5_000])
@KINDS
def test_every_order_expires_in_the_time_of_the_venue(tmp_path: Path, skew_ms: int, reduce_only: bool) -> None:
    async def act(scene: Scene) -> None:
        place(scene.lab, "held", Side.BUY, "2")
        if skew_ms:
            scene.arm("clock_skew", offset_ms=skew_ms)
            scene.lab.exchange.advance()
        scene.books.rest.skew_ns = skew_ms * 1_000_000
        ttl_ms = scene.lab.settings.risk.order_ttl_ms
        now_ms = scene.lab.exchange.now_ms()
        _, said = await scene.place(reduce_only=reduce_only)
        assert isinstance(said, OrderAck)
        (headers,) = [h for call, h in zip(scene.books.calls, scene.books.headers, strict=True) if call == PLACE]
        assert headers["expTime"] == str(now_ms + ttl_ms)

    at_venue(tmp_path, act)


def test_an_order_that_came_too_late_is_refused_by_the_venue_itself(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.books.rest.skew_ns = -(scene.lab.settings.risk.order_ttl_ms + 1_000) * 1_000_000
        record, said = await scene.place()
        assert isinstance(said, OrderReject)
        assert (said.rule, record.state, scene.taken()) == ("venue 50036", OrderState.REFUSED, 0)

    at_venue(tmp_path, act)


def test_what_may_not_be_sent_any_more_is_journaled_and_dropped(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.books.may_send = "halted meanwhile"
        record, said = await scene.place()
        assert isinstance(said, OrderReject)
        assert (said.code, said.text) == (RejectCode.TRADING_STATE, "halted meanwhile")
        assert (record.state, scene.books.calls) == (OrderState.CANCELED, [])
        assert b'"event":"end"' in (tmp_path / "orders.log").read_bytes()

    at_venue(tmp_path, act)


@pytest.mark.parametrize("liquidation", [False, True])
def test_a_halt_between_two_tries_ends_the_trying_except_where_the_position_is_closed_by_its_word(
    tmp_path: Path, liquidation: bool
) -> None:
    async def act(here: Scene) -> None:
        await here.place("first")
        here.answers(VenueBusy(PLACE, "50011", "busy"))
        count = here.sent()
        asking = asyncio.ensure_future(here.place("close", reduce_only=True, liquidation=liquidation))
        await asyncio.sleep(0.05)
        here.books.may_send = "halted meanwhile"
        record, said = await asking
        if liquidation:
            assert isinstance(said, OrderAck)
            assert here.sent() == count + 2
            return
        assert isinstance(said, OrderReject)
        assert (said.code, said.text, record.state) == (
            RejectCode.TRADING_STATE, "halted meanwhile", OrderState.REFUSED,
        )  # fmt: skip
        assert (here.sent(), here.taken("close")) == (count + 1, 0)

    at_venue(tmp_path, act)


@pytest.mark.parametrize("liquidation", [False, True])
def test_a_disk_that_takes_nothing_stops_every_order_but_the_closing_of_what_the_venue_says_is_held(
    tmp_path: Path, liquidation: bool
) -> None:
    async def act(here: Scene) -> None:
        await here.place("first")

        async def full(entry: object) -> None:
            raise OSError(28, "No space left on device")

        here.books.journal.append_durably = full  # type: ignore[method-assign,assignment]
        _, said = await here.place("close", reduce_only=True, liquidation=liquidation)
        assert isinstance(said, OrderAck) is liquidation
        assert here.taken("close") == liquidation

    at_venue(tmp_path, act)


def test_whatever_the_venue_does_not_take_is_told_to_whoever_counts(tmp_path: Path) -> None:
    async def act(here: Scene) -> None:
        told: list[str] = []
        here.books.router.on_venue_error = told.append
        here.answers(VenueRefused(PLACE, "51008", "no money"))
        await here.place("refused")
        here.answers(VenueUnknown(PLACE, "50004", "timed out"))
        await here.place("unknown")
        await here.place("taken")
        assert told == [f"{PLACE}: 51008 no money", f"{PLACE}: 50004 timed out"]

    at_venue(tmp_path, act)
