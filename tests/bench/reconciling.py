"""How long the engine asks the venue before it takes a request, after a restart with many orders in the journal.

The real `reconcile` over real HTTP against a real process of the simulated exchange, with OKX's call limits in force.
The floor is the same number of bare GETs, one after the other, at an exchange whose call limits are lifted.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from engine.execution.journal import Entry, Journal
from engine.execution.reconcile import Finding, reconcile
from engine.execution.router import client_order_id_of
from engine.risk.ledger import Ledger
from engine.risk.trading_state import TradingCauses
from schemas.clock import NS_PER_S, SystemClock
from schemas.settings import Settings
from tests.bench.figures import NotMeasured, Table
from tests.bench.process import BATCH, Client, client, exchange, limit_order, market_order
from tests.bench.scene import trading

_INSTRUMENT = "BTC-USDT-SWAP"
_ROUNDS_APART_S = 0.25
"""Between two rounds: account/balance may be asked 10 times in 2 s, and a round asks once."""
_BATCHES_APART_S = 0.15
_LONG_AGO_NS = 60 * NS_PER_S


def reconciliation(*, orders: int = 100, rounds: int = 16, slow_rounds: int = 2) -> dict[str, Any]:
    """Measure and print it. `slow_rounds`: of those in which each journaled order has to be asked for by itself."""
    table = Table(f"reconciliation, {orders} orders in the journal")
    with exchange() as where, exchange(limited=False) as floor, tempfile.TemporaryDirectory(prefix="sv-") as scratch:
        uvloop.run(_measure(table, where, floor, Path(scratch), (orders, rounds, slow_rounds)))
    return table.kept


async def _measure(
    table: Table, where: dict[str, str], floor: dict[str, str], scratch: Path, sizes: tuple[int, int, int]
) -> None:
    orders, rounds, slow_rounds = sizes
    async with client(where) as asked, client(floor) as bare:
        resting, gone = [f"rest{n}" for n in range(orders)], [f"gone{n}" for n in range(orders)]
        for make, intents in ((limit_order, resting), (market_order, gone)):
            for start in range(0, orders, BATCH):
                await asked.place([make(client_order_id_of(intent)) for intent in intents[start : start + BATCH]])
                await asyncio.sleep(_BATCHES_APART_S)
        for label, intents, count, fate in (
            (f"{orders} rest, and are taken over", resting, rounds, "rests; taken over"),
            (f"{orders} rest, {orders} others were filled meanwhile", gone, slow_rounds, "is filled"),
        ):
            took, calls = [], 0
            for number in range(count):
                await asyncio.sleep(_ROUNDS_APART_S)
                before = asked.calls
                took.append(await _reconciled(asked, scratch / f"{fate}{number}", intents, fate, orders))
                calls = asked.calls - before
            await _compare(table, label, took, calls, bare)


async def _compare(table: Table, label: str, took: list[float], calls: int, bare: Client) -> None:
    """The line of a case beside the line of its floor."""
    floor = f"{calls} GETs of public/time"
    spans = []
    for _ in range(max(3, len(took))):
        began = time.perf_counter_ns()
        for _ in range(calls):
            await bare.time()
        spans.append(time.perf_counter_ns() - began)
    table.add(floor, spans)
    table.add(label, took, floor=floor)


async def _reconciled(asked: Client, directory: Path, intents: list[str], fate: str, resting: int) -> float:
    """One reconciliation of an engine that knows nothing but its journal; ns."""
    _write_journal(directory / "orders.log", intents)
    journal = Journal(directory / "orders.log")
    try:
        causes = TradingCauses(clock=SystemClock(), on_change=lambda cause, raised: None)
        ledger = Ledger(day_starts_utc_hour=0)
        books = trading(Settings(), asked.rest, journal, ledger, causes, log=lambda level, text: None).books
        began = time.perf_counter_ns()
        findings = await reconcile(books)
        took = time.perf_counter_ns() - began
    finally:
        journal.close()
    _check(findings, len(intents), fate)
    if len(books.orders.working()) != resting:
        raise NotMeasured(f"reconciliation: {len(books.orders.working())} orders work, {resting} expected")
    return took


def _check(findings: list[Finding], journaled: int, fate: str) -> None:
    found = sum(finding.name == "journaled_order" and finding.text.endswith(fate) for finding in findings)
    if found != journaled:
        raise NotMeasured(f"reconciliation: {found} orders {fate}, {journaled} expected; first: {findings[:1]}")


def _write_journal(path: Path, intents: list[str]) -> None:
    """What a killed engine left: intents a minute old, and the end of none."""
    wall_ns = time.time_ns() - _LONG_AGO_NS
    journal = Journal(path)
    for intent in intents:
        journal.append(
            Entry(
                event="intent", intent_id=intent, client_order_id=client_order_id_of(intent), wall_ns=wall_ns,
                instrument=_INSTRUMENT, side="BUY", contracts="0.01",
            )
        )  # fmt: skip
    journal.close()
