"""Reconciling: whatever the venue did while nobody listened, one pass brings the books to it, and changes nothing.

The properties are those of nautilus_trader's reconciliation: deterministic, one pass, no order and no fill twice.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.faults.switchboard import Fault
from engine.execution.journal import Journal
from engine.execution.lifecycle import OrderEvent, OrderState
from engine.execution.reconcile import reconcile
from engine.execution.router import client_order_id_of
from engine.venue.answers import VenueError
from schemas.messages import Side
from tests.support.books import Bookkeeping, journal_entry, place, place_ours, venue_orders
from tests.support.laboratory import Laboratory
from tests.support.orders import order
from tests.support.virtual import LoopClock, run_virtually

LASTING = {"unprotected_position", "stale_protection", "foreign_position"}
"""What a pass can only name: it is for the guard to mend."""
FATES = ("never", "resting", "part", "part_canceled", "filled", "canceled")
ENDED = {"never": "refused", "part_canceled": "canceled", "filled": "filled", "canceled": "canceled"}
OLD_S = 10.0


class Past(NamedTuple):
    """One order of a former life, or of somebody else. `noted`: its end is in the journal."""

    ours: bool
    fate: str
    side: Side
    lots: int
    noted: bool


PASTS = st.lists(
    st.builds(
        Past, ours=st.booleans(), fate=st.sampled_from(FATES), side=st.sampled_from([Side.BUY, Side.SELL]),
        lots=st.integers(2, 40), noted=st.booleans(),
    ), max_size=6,
)  # fmt: skip


class Venue:
    """A laboratory without an engine, and the journal of the life before."""

    def __init__(self, directory: Path, clock: LoopClock) -> None:
        self.directory, self.lab = directory, Laboratory(directory, clock)
        self._names = 0

    def live(self, pasts: list[Past]) -> None:
        """Let it all happen."""
        journal = Journal(self.directory / "before.log")
        for number, past in enumerate(pasts):
            contracts = f"{past.lots / 100:.2f}"
            if past.ours:
                journal.append(journal_entry(self.lab, f"i{number}", past.side, contracts))
            self._happen(number, past, contracts)
            if past.ours and past.noted and past.fate in ENDED:
                journal.append(journal_entry(self.lab, f"i{number}", past.side, "", state=ENDED[past.fate]))
        journal.close()

    def _happen(self, number: int, past: Past, contracts: str) -> None:
        lab, fate = self.lab, past.fate
        away = 600 - 10 * number  # each is the best of its side: a print at its price meets it first
        px = None if fate in {"filled", "part_canceled"} else lab.centre + (-away if past.side is Side.BUY else away)
        if fate == "never":
            return
        if fate == "part_canceled":
            lab.faults.arm(Fault(name="partial_fills", times=1, share=0.5))
        if past.ours:
            order = place_ours(lab, f"i{number}", past.side, contracts, px=px)
        else:
            order = place(lab, f"x{number}", past.side, contracts, px=px)
        lab.faults.clear("partial_fills")
        if fate == "part" and px is not None:
            lab.print_at(px, past.lots // 2, "sell" if past.side is Side.BUY else "buy")
        elif fate == "canceled":
            lab.exchange.cancel(order)
        lab.hub.flush()

    def books(self) -> Bookkeeping:
        """A new life's books; each has a copy of the journal for itself."""
        self._names += 1
        path = self.directory / f"life{self._names}.log"
        shutil.copy(self.directory / "before.log", path)
        return Bookkeeping(self.lab, path)

    def disagreements(self, books: Bookkeeping) -> list[str]:
        """In what books and venue differ."""
        exchange, found = self.lab.exchange, []
        rest = sorted(
            (order.ord_id, order.state, Decimal(order.filled) / 100) for order in exchange.desk.orders.pending()
        )
        ours = sorted((r.venue_order_id, r.state.value, r.filled) for r in books.orders.working())
        if rest != ours:
            found.append(f"orders {ours}, venue {rest}")
        if books.account.contracts is None or books.account.contracts * 100 != self.lab.held:
            found.append(f"position {books.account.contracts}, venue {self.lab.held} lots")
        if books.account.equity != Decimal(str(exchange.account_view()["totalEq"])):
            found.append(f"equity {books.account.equity}, venue {exchange.account_view()['totalEq']}")
        fills = exchange.desk.orders.fills
        want = (sum((f.pnl for f in fills), Decimal(0)), sum((f.fee for f in fills), Decimal(0)))
        today = books.ledger.today(self.lab.clock.wall_ns())
        if today is None or any(abs(a - b) > Decimal("1e-9") for a, b in zip(today, want, strict=True)):
            found.append(f"today {today}, venue {want}")
        return found


def at_venue(act: Callable[[Venue], Awaitable[None]]) -> None:
    """Runs a scene on a virtual clock, in a directory of its own."""

    async def scene(clock: LoopClock) -> None:
        venue = Venue(Path(directory), clock)
        try:
            await act(venue)
        finally:
            await venue.lab.close()

    with tempfile.TemporaryDirectory(prefix="sv-reconcile-") as directory:
        run_virtually(scene)


async def found(books: Bookkeeping) -> list[str]:
    """The findings of a pass."""
    return [str(finding) for finding in await reconcile(books.books)]


def names(findings: list[str]) -> set[str]:
    return {finding.partition(":")[0] for finding in findings}


few = settings(max_examples=25)


@few
@given(PASTS, st.sampled_from([0.0, OLD_S]))
def test_the_same_venue_and_journal_give_the_same_findings_and_books(pasts: list[Past], age_s: float) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(age_s)
        one, other = venue.books(), venue.books()
        assert await found(one) == await found(other)
        assert one.state() == other.state()

    at_venue(act)


@few
@given(PASTS, st.sampled_from([0.0, OLD_S]))
def test_one_pass_is_enough_and_the_venue_is_only_asked(pasts: list[Past], age_s: float) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(age_s)
        before, books = venue_orders(venue.lab), venue.books()
        await found(books)
        assert venue.disagreements(books) == []
        state = books.state()
        assert names(await found(books)) <= LASTING
        assert books.state() == state
        assert {call.partition(" ")[0] for call in books.calls} == {"GET"}
        assert venue_orders(venue.lab) == before

    at_venue(act)


@few
@given(PASTS)
def test_each_journaled_order_gets_its_true_fate_and_its_end_is_noted(pasts: list[Past]) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        books = venue.books()
        findings = await found(books)
        fates = {"resting": "live", "part": "partially_filled", **ENDED}
        told, resting = set(), set()
        for number, past in enumerate(pasts):
            if not past.ours or (past.noted and past.fate in ENDED):
                continue
            record = books.orders.by_client_id(client_order_id_of(f"i{number}"))
            assert record is not None
            assert record.state.value == fates[past.fate]
            told.add(f"i{number}")
            resting |= {record.client_order_id} if past.fate not in ENDED else set()
        named = [finding.split()[1] for finding in findings if finding.startswith("journaled_order")]
        assert sorted(named) == sorted(told)
        books.journal.close()
        again = Journal(books.journal._path).recalled
        assert set(again.open_orders) == resting
        assert again.intents == {f"i{number}" for number, past in enumerate(pasts) if past.ours}

    at_venue(act)


@few
@given(PASTS, st.data())
def test_whichever_notes_of_ends_are_missing_the_books_are_the_same(pasts: list[Past], data: st.DataObject) -> None:
    noted = data.draw(st.lists(st.booleans(), min_size=len(pasts), max_size=len(pasts)))
    other = [past._replace(noted=each) for past, each in zip(pasts, noted, strict=True)]
    states = []

    def act_on(chosen: list[Past]) -> Callable[[Venue], Awaitable[None]]:
        async def act(venue: Venue) -> None:
            venue.live(chosen)
            await asyncio.sleep(OLD_S)
            books = venue.books()
            await found(books)
            states.append({key: value for key, value in books.state().items() if key != "ended"})

        return act

    at_venue(act_on(pasts))
    at_venue(act_on(other))
    assert states[0] == states[1]


@few
@given(PASTS)
def test_orders_of_others_are_tracked_by_name_and_never_taken_for_ours(pasts: list[Past]) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        books = venue.books()
        findings = [finding for finding in await found(books) if finding.startswith("foreign_order")]
        theirs = [n for n, past in enumerate(pasts) if not past.ours and past.fate in {"resting", "part"}]
        assert len(findings) == len(theirs)
        tracked = {r.client_order_id: r for r in books.orders.working() if not r.intent_id}
        assert set(tracked) == {f"x{number}" for number in theirs}
        assert {record.kind for record in tracked.values()} <= {"foreign"}

    at_venue(act)


@few
@given(PASTS, st.integers(0, 12))
def test_a_pass_that_broke_off_anywhere_and_is_done_again_ends_the_same(pasts: list[Past], at: int) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        whole, broken = venue.books(), venue.books()
        await found(whole)

        def fail(number: int, method: str, path: str) -> None:
            if number == at:
                venue.lab.faults.arm(Fault(name="unavailable", times=1))

        broken.before_call = fail
        try:
            await found(broken)
        except VenueError:
            await found(broken)
        venue.lab.faults.clear(None)
        assert broken.state() == whole.state()
        assert venue.disagreements(broken) == []

    at_venue(act)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["print", "cancel", "market", "limit", "nothing"]), st.integers(0, 5), st.integers(1, 30)
    ), max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(PASTS, ACTS)
def test_what_the_venue_does_and_pushes_during_the_pass_is_in_the_books_too(
    pasts: list[Past], acts: list[tuple[str, int, int]]
) -> None:
    async def act(venue: Venue) -> None:
        lab = venue.lab
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        books = venue.books()
        books.listen()
        left = list(enumerate(acts))

        def happen(number: int, method: str, path: str) -> None:
            if left:
                _do(lab, *left.pop(0))

        books.before_call = happen
        await found(books)
        assert books.account.contracts == Decimal(lab.held) / 100
        while left:
            _do(lab, *left.pop(0))
        await asyncio.sleep(6)  # the venue's regular push of the account
        assert books.problems == []
        assert venue.disagreements(books) == []

    at_venue(act)


def _do(lab: Laboratory, number: int, step: tuple[str, int, int]) -> None:
    kind, which, lots = step
    pending = lab.exchange.desk.orders.pending()
    side = Side.BUY if which % 2 else Side.SELL
    if kind == "print" and pending:
        order = pending[which % len(pending)]
        lab.print_at(order.px or 0, lots, "sell" if order.terms.side == "buy" else "buy")
    elif kind == "cancel" and pending:
        lab.exchange.cancel(pending[which % len(pending)])
    elif kind == "market":
        place(lab, f"m{number}", side, f"{lots / 100:.2f}")
    elif kind == "limit":
        px = lab.centre + (-700 if side is Side.BUY else 700)
        place(lab, f"l{number}", side, f"{lots / 100:.2f}", px=px)
    lab.hub.flush()


@pytest.mark.parametrize("times", [1, 3])
def test_a_fill_between_the_two_halves_of_a_question_does_not_leave_the_older_answer(times: int) -> None:
    async def act(venue: Venue) -> None:
        venue.live([])
        books, left = venue.books(), [f"m{number}" for number in range(times)]
        books.listen()

        def happen(number: int, method: str, path: str) -> None:
            if path == "/account/balance" and left:
                place(venue.lab, left.pop(), Side.BUY, "0.5")

        books.before_call = happen
        await found(books)
        assert books.account.contracts == Decimal("0.5") * times
        assert venue.disagreements(books) == []

    at_venue(act)


@few
@given(PASTS, ACTS)
def test_whatever_happened_unheard_after_a_pass_the_next_one_finds(
    pasts: list[Past], acts: list[tuple[str, int, int]]
) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        books = venue.books()
        await found(books)
        for number, step in enumerate(acts):
            _do(venue.lab, number, step)
        await asyncio.sleep(OLD_S)
        await found(books)
        assert venue.disagreements(books) == []
        assert names(await found(books)) <= LASTING

    at_venue(act)


@few
@given(PASTS, ACTS, st.data())
def test_pushes_that_come_again_after_the_pass_change_nothing(
    pasts: list[Past], acts: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    async def act(venue: Venue) -> None:
        venue.live(pasts)
        await asyncio.sleep(OLD_S)
        books = venue.books()
        books.listen()
        for number, step in enumerate(acts):
            _do(venue.lab, number, step)
        await found(books)
        state = books.state()
        orders = [push for push in books.pushed if b'"channel":"orders"' in push and b'"data"' in push]
        for push in data.draw(st.lists(st.sampled_from(orders), max_size=10)) if orders else []:
            books.private.on_frame(push)
        assert (books.state(), books.problems) == (state, [])

    at_venue(act)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 250])
def test_every_fill_counts_once_wherever_the_pages_end(count: int) -> None:
    async def act(venue: Venue) -> None:
        lab = venue.lab
        venue.live([])
        place(lab, "theirs", Side.BUY, "9", px=lab.centre - 50)
        books, early = venue.books(), venue.books()
        early.listen()  # half of them are pushed before the pass, the others are only in the pages
        for number in range(count):
            if number == count // 2:
                await found(early)
                for subscribed in lab.hub._by_channel.values():
                    subscribed.clear()
            lab.print_at(lab.centre - 50, 1, "sell")
        assert len(lab.exchange.desk.orders.fills) == count
        for each in (books, early):
            await found(each)
            assert venue.disagreements(each) == []
        await found(books)
        assert venue.disagreements(books) == []

    at_venue(act)


def test_findings_have_names_and_say_what_was_decided() -> None:
    async def act(venue: Venue) -> None:
        lab = venue.lab
        pasts = [
            Past(ours=True, fate="resting", side=Side.BUY, lots=20, noted=False),
            Past(ours=True, fate="never", side=Side.BUY, lots=20, noted=False),
            Past(ours=False, fate="resting", side=Side.SELL, lots=30, noted=False),
        ]
        venue.live(pasts)
        place(lab, "bare", Side.SELL, "1")
        await asyncio.sleep(OLD_S)
        books = venue.books()
        foreign = next(o for o in lab.exchange.desk.orders.pending() if o.terms.cl_ord_id == "x2")
        assert sorted(await found(books)) == [
            f"foreign_order: {foreign.ord_id} sell 0.3 rests; tracked, not ours",
            "journaled_order: i0 of a former life rests; taken over",
            "journaled_order: i1 of a former life is not at the venue",
            "unprotected_position: -1 contracts without a stop at the venue; one is made as soon as trading is armed",
        ]
        lab.exchange.cancel(lab.exchange.desk.orders.find("", client_order_id_of("i0")))  # type: ignore[arg-type]
        place(lab, "flat", Side.BUY, "1")
        assert await found(books) == [
            f"missed_push: {client_order_id_of('i0')} was live, is canceled",
            "position_drift: -1 contracts known, 0 held; so it is",
        ]

    at_venue(act)


def test_orders_that_the_venue_does_not_know_and_a_stop_without_a_position_are_found() -> None:
    async def act(venue: Venue) -> None:
        lab = venue.lab
        venue.live([Past(ours=True, fate="filled", side=Side.BUY, lots=100, noted=True)])
        place(lab, "flat", Side.SELL, "1")
        books = venue.books()
        sent = {}
        for intent in ("never", "gone"):
            record = books.orders.open(
                order(intent_id=intent), client_order_id_of(intent), tp_price=None, sl_price=None
            )
            books.orders.apply(record, OrderEvent.SEND)
            books.orders.apply(record, OrderEvent.LOST)
            sent[intent] = record
        books.orders.apply(sent["gone"], OrderEvent.ACK, venue_order_id="77")
        await asyncio.sleep(OLD_S)
        stale = "stale_protection: 1 TP/SL orders without a position; to be canceled"
        assert sorted(await found(books)) == [
            f"missed_push: {client_order_id_of('gone')} was live, is canceled",
            stale,
            f"vanished_order: the venue does not know {client_order_id_of('never')}; taken for canceled",
        ]
        assert [record.state for record in sent.values()] == [OrderState.REFUSED, OrderState.CANCELED]
        assert await found(books) == [stale]

    at_venue(act)
