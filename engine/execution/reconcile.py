"""Before a request is taken: what the venue says about orders, positions, fills and balance, against the journal.

Every difference is a finding: it has a name and says what was decided. One pass, in one order, no side effect at the
venue but the leverage.
"""

from __future__ import annotations

from decimal import Decimal

from engine.account import Account
from engine.execution.journal import Journal
from engine.execution.lifecycle import OrderEvent, OrderState
from engine.execution.orders import OrderBookkeeper
from engine.execution.router import Router
from engine.risk.view import Terms
from engine.venue.rest import Rest, VenueRefused
from schemas.messages import DecidedOn, OrderRequest, Side
from schemas.process import StartError
from schemas.settings.tree import Venue


async def check_account(rest: Rest, venue: Venue) -> list[str]:
    """Account mode, position mode, permissions, leverage. Returns findings.

    Raises: StartError for what only the operator can mend; VenueError.
    """
    config = await rest.config()
    if config.get("posMode") != "net_mode":
        raise StartError(f"venue: position mode is {config.get('posMode')}, net_mode needed; set it at the venue")
    if str(config.get("acctLv")) == "1":
        raise StartError("venue: account mode is spot (acctLv 1), swaps need futures mode; set it at the venue")
    if "withdraw" in str(config.get("perm", "")):
        raise StartError("venue: this API key may withdraw; make one with read and trade only")
    try:
        await rest.set_leverage(venue.instrument, venue.leverage, venue.margin_mode)
    except VenueRefused as error:
        return [f"leverage_kept: the venue refused {venue.leverage}x ({error}); its own setting stands"]
    return []


async def read_terms(rest: Rest, instrument: str) -> Terms:
    """Contract value, lot, minimum, tick. Raises VenueError; StartError for an instrument that does not trade."""
    row = await rest.instrument(instrument)
    if row.state != "live":
        raise StartError(f"venue: {instrument} is {row.state}, not live; choose another venue.instrument")
    return Terms(
        instrument=instrument, contract_value=Decimal(row.ctVal) * Decimal(row.ctMult or "1"),
        lot=Decimal(row.lotSz), minimum=Decimal(row.minSz), tick=Decimal(row.tickSz),
    )  # fmt: skip


async def reconcile(
    *, rest: Rest, instrument: str, account: Account, orders: OrderBookkeeper, journal: Journal, router: Router
) -> list[str]:
    """Bring the engine's books to what the venue says. Returns findings.

    Raises: VenueError, Unresolved, LifecycleError: then nothing is armed, and it is done again.
    """
    findings: list[str] = []
    account.on_account(await rest.balance())
    account.on_positions(await rest.positions(instrument), whole=True)
    account.on_fills(await rest.fills(instrument))
    known = {record.client_order_id for record in orders.working()} | journal.recalled.open_orders.keys()
    shown = await rest.pending(instrument)
    for row in shown:
        if row.clOrdId not in known:
            findings.append(f"foreign_order: {row.ordId} {row.side} {row.sz} rests at the venue; tracked, not ours")
        orders.on_push(row)
    findings += await _ask_for_journaled(journal, orders, router)
    findings += await _ask_for_working(orders, router, {row.clOrdId for row in shown})
    algos = await rest.algos(instrument)
    account.on_algos(algos)
    if account.contracts and account.protection.sl_price is None:
        findings.append(f"unprotected_position: {account.contracts} contracts without a stop at the venue")
    if not account.contracts and algos:
        findings.append(f"stale_protection: {len(algos)} TP/SL orders at the venue without a position")
    return findings


async def _ask_for_working(orders: OrderBookkeeper, router: Router, shown: set[str]) -> list[str]:
    """Orders of ours that the engine believes to work, and that the venue did not just show."""
    findings = []
    for record in orders.working():
        if not record.intent_id or record.client_order_id in shown:
            continue
        if record.state in {OrderState.NEW, OrderState.SENT}:
            continue  # its send is on its way, and finds out by itself
        if not await router.resolve(record):
            findings.append(f"vanished_order: the venue does not know {record.client_order_id}; taken for canceled")
        router.note_end(record)
    return findings


async def _ask_for_journaled(journal: Journal, orders: OrderBookkeeper, router: Router) -> list[str]:
    """Intents that a former life of the engine journaled and whose end it did not see."""
    findings = []
    for client_id, entry in list(journal.recalled.open_orders.items()):
        order = OrderRequest(
            intent_id=entry.intent_id, instrument=entry.instrument, side=Side[entry.side],
            contracts=Decimal(entry.contracts), reduce_only=entry.reduce_only,
            decided_on=DecidedOn(tick_sequence=0, timestamp_ns=0), created_ns=entry.wall_ns,
        )  # fmt: skip
        record = orders.open(order, client_id, tp_price=None, sl_price=None)
        orders.apply(record, OrderEvent.SEND)
        orders.apply(record, OrderEvent.LOST)
        found = await router.resolve(record)
        router.note_end(record)
        del journal.recalled.open_orders[client_id]
        findings.append(f"journaled_order: {entry.intent_id} is {record.state.value if found else 'not at the venue'}")
    return findings
