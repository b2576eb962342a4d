"""Before a request is taken: what the venue says about orders, positions, fills and balance, against what we know.

Every difference is a finding: a name, and what was decided. One pass, in one order, and nothing is changed at the
venue: what has to be done there (a missing stop, a stale one) the guard does as soon as trading is armed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.account import Account
from engine.execution.journal import Entry, Journal
from engine.execution.lifecycle import ENDED, OrderEvent, OrderState
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.execution.protection import OURS
from engine.execution.router import Router
from engine.risk.ledger import Ledger
from engine.venue.rest import Rest
from schemas.clock import NS_PER_MS, Clock
from schemas.messages import DecidedOn, OrderRequest, Side

_ROUNDS: Final = 5
_BY_LIST: Final = 3
"""More orders than this are looked for in the list of ended orders first."""
_ON_ITS_WAY: Final = frozenset({OrderState.NEW, OrderState.SENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between the venue and us. `name` is stable; `text` says what it was and what was decided."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is reconciled, and with what."""

    rest: Rest
    instrument: str
    margin_mode: str
    account: Account
    orders: OrderBookkeeper
    ledger: Ledger
    journal: Journal
    router: Router
    clock: Clock


async def reconcile(books: Books) -> list[Finding]:
    """Bring the engine's books to what the venue says. Returns what was different.

    Raises: VenueError, Unresolved, LifecycleError: then nothing is armed, and it is done again.
    """
    rest, account, orders = books.rest, books.account, books.orders
    findings: list[Finding] = []
    before = account.contracts
    account.leverage = await rest.leverage(books.instrument, books.margin_mode)
    journaled = [_recall(books, entry) for entry in list(books.journal.recalled.open_orders.values())]
    ours = {record.client_order_id for record in orders.working() if record.intent_id}
    known = {record.client_order_id for record in orders.working()}
    shown = await rest.pending(books.instrument)
    for row in shown:
        if (row.clOrdId or row.ordId) not in known:
            findings.append(
                Finding(name="foreign_order", text=f"{row.ordId} {row.side} {row.sz} rests; tracked, not ours")
            )  # fmt: skip
        orders.on_push(row)
    at_venue = {row.clOrdId or row.ordId for row in shown}
    for record in orders.working():
        if not record.intent_id and record.client_order_id not in at_venue:
            orders.apply(record, OrderEvent.NOT_FOUND)
    began_ns = books.ledger.day_began_ns(books.clock.wall_ns())
    account.on_fills(await rest.fills(books.instrument, since_ms=began_ns // NS_PER_MS), whole=True)
    asked, of_old = ours - {row.clOrdId for row in shown}, {record.client_order_id for record in journaled}
    if len(asked) > _BY_LIST:
        findings += await _look_up(books, asked, of_old)
    findings += await _ask_for(books, asked, of_old)
    findings += [
        Finding(name="journaled_order", text=f"{record.intent_id} of a former life rests; taken over")
        for record in journaled
        if record.state not in ENDED
    ]
    books.journal.recalled.open_orders.clear()
    await _read_holdings(books)
    if before is not None and before != account.contracts:
        findings.append(
            Finding(name="position_drift", text=f"{before} contracts known, {account.contracts} held; so it is")
        )  # fmt: skip
    findings += [
        Finding(name="foreign_position", text=f"{held} contracts are held {mode}; no new risk until they are closed")
        for mode, held in sorted(account.elsewhere.items())
    ]
    return findings + await _compare_protection(books)


async def _read_holdings(books: Books) -> None:
    """Balance and positions, of one instant: read again while the venue pushes between question and answer."""
    account = books.account
    for _ in range(_ROUNDS):
        version = account.version
        positions, balance = await books.rest.positions(books.instrument), await books.rest.balance()
        if version == account.version:
            break
    account.on_positions(positions, whole=True)
    account.on_account(balance)


async def _compare_protection(books: Books) -> list[Finding]:
    account = books.account
    algos = await books.rest.algos(books.instrument)
    account.on_algos(algos)
    if account.contracts and account.protection.sl_price is None:
        text = f"{account.contracts} contracts without a stop at the venue; one is made as soon as trading is armed"
        return [Finding(name="unprotected_position", text=text)]
    stale = [algo for algo in algos if algo.algoClOrdId.startswith(OURS)]
    if not account.contracts and stale:
        return [Finding(name="stale_protection", text=f"{len(stale)} TP/SL orders without a position; to be canceled")]
    return []


def _recall(books: Books, entry: Entry) -> OrderRecord:
    """An order whose end a former life of the engine did not see."""
    found = books.orders.by_client_id(entry.client_order_id)
    if found is not None:
        return found
    order = OrderRequest(
        intent_id=entry.intent_id, instrument=entry.instrument, side=Side[entry.side],
        contracts=Decimal(entry.contracts), reduce_only=entry.reduce_only,
        decided_on=DecidedOn(tick_sequence=0, timestamp_ns=0), created_ns=entry.wall_ns,
    )  # fmt: skip
    tp, sl = (Decimal(text) if text else None for text in (entry.tp_price, entry.sl_price))
    record = books.orders.open(order, entry.client_order_id, tp_price=tp, sl_price=sl)
    books.orders.apply(record, OrderEvent.SEND)
    books.orders.apply(record, OrderEvent.LOST)
    record.sent_ns = books.clock.monotonic_ns() - max(0, books.clock.wall_ns() - entry.wall_ns)
    return record


async def _look_up(books: Books, client_ids: set[str], journaled: set[str]) -> list[Finding]:
    """Of many orders most are in the latest page of those that ended; the others are asked for one by one."""
    findings = []
    for row in await books.rest.history(books.instrument):
        record = books.orders.by_client_id(row.clOrdId) if row.clOrdId in client_ids else None
        if record is None or record.state in _ON_ITS_WAY | ENDED:
            continue
        before = record.state
        books.orders.on_push(row)
        books.router.note_end(record)
        findings.append(_fate(record, before, journaled))
    return findings


def _fate(record: OrderRecord, before: OrderState, journaled: set[str]) -> Finding:
    if record.client_order_id in journaled:
        return Finding(name="journaled_order", text=f"{record.intent_id} of a former life is {record.state.value}")
    text = f"{record.client_order_id} was {before.value}, is {record.state.value}"
    return Finding(name="missed_push", text=text)


async def _ask_for(books: Books, client_ids: set[str], journaled: set[str]) -> list[Finding]:
    """Orders of ours that may work, and that the venue did not show among the pending ones."""
    findings = []
    for record in books.orders.working():
        if record.client_order_id not in client_ids or record.state in _ON_ITS_WAY:
            continue  # its send is on its way, and finds out by itself
        before = record.state
        found = await books.router.resolve(record)
        books.router.note_end(record)
        if not found and record.client_order_id in journaled:
            text = f"{record.intent_id} of a former life is not at the venue"
            findings.append(Finding(name="journaled_order", text=text))
        elif not found:
            text = f"the venue does not know {record.client_order_id}; taken for canceled"
            findings.append(Finding(name="vanished_order", text=text))
        elif record.client_order_id in journaled or record.state is not before:
            findings.append(_fate(record, before, journaled))
    return findings
