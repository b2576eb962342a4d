"""What the gate costs an order: its verdict, and the view that the verdict is about. Warm, and after other work."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.risk.gate import Cleared
from engine.risk.view import RiskView
from schemas.messages import DecidedOn, OrderRequest, TradingState
from tests.bench.figures import NotMeasured, Pollution, Table, durations_ns, no_collector
from tests.bench.scene import Scene

EMPTY, PRODUCT = "empty call", "Decimal product"
"""The floors: a call with the same arguments that does nothing, one multiplication of two Decimals."""
RESTING = 100
_AT_ONCE = 100
"""Floors in one warm measurement: one is shorter than reading the clock. A cold one contains that reading."""


def gate_cost(*, warm: int = 3_000, cold: int = 300) -> dict[str, Any]:
    """Measure and print it; `warm` and `cold` calls of each kind."""
    table = Table("gate, per order")
    with tempfile.TemporaryDirectory(prefix="sv-") as directory, no_collector():
        scene = Scene(Path(directory))
        asyncio.run(scene.arm())
        try:
            _measure(table, scene, warm, cold)
        finally:
            scene.journal.close()
    return table.kept


def _measure(table: Table, scene: Scene, warm: int, cold: int) -> None:
    clears = scene.order()
    plain = scene.desk.view(clears)
    a, b = plain.price or Decimal(0), Decimal("0.01")
    pollute = Pollution()
    for label, floor in ((EMPTY, lambda: _empty(clears, plain)), (PRODUCT, lambda: a * b)):
        table.add(f"{label}, warm", durations_ns(floor, warm, times=_AT_ONCE))
        table.add(f"{label}, cold", durations_ns(floor, cold, before=pollute))

    def measure(label: str, work: Callable[[], object], first: Callable[[], object] = lambda: None) -> None:
        def much_else() -> None:
            first()
            pollute()

        durations_ns(work, min(warm, 200), before=first)
        for name, count, before in (("warm", warm, first), ("cold", cold, much_else)):
            p50 = table.add(f"{label}, {name}", durations_ns(work, count, before=before), floor=f"{EMPTY}, {name}")
            product = table.kept[f"{PRODUCT}, {name}"]["p50_us"]
            table.kept[f"{label}, {name}"]["ratio_to_decimal_product"] = p50 / product

    for name, (order, view) in _cases(scene, clears).items():
        _check(scene, name, order, view)
        measure(f"judge: {name}", _judging(scene, order, view))
    measure("Desk.view", lambda: scene.desk.view(clears))
    measure("view and verdict, as the desk does", _both(scene, clears))
    scene.rest_orders(RESTING)
    measure(f"Desk.view, {RESTING} orders rest", lambda: scene.desk.view(clears))
    measure(f"Desk.view, one of {RESTING} just changed", lambda: scene.desk.view(clears), scene.touch_order)


def _empty(order: OrderRequest, view: RiskView) -> None:
    """The least that a verdict could cost."""


def _judging(scene: Scene, order: OrderRequest, view: RiskView) -> Callable[[], object]:
    judge = scene.limits.gate.judge
    return lambda: judge(order, view)


def _both(scene: Scene, order: OrderRequest) -> Callable[[], object]:
    judge, view = scene.limits.gate.judge, scene.desk.view
    return lambda: judge(order, view(order))


def _cases(scene: Scene, clears: OrderRequest) -> dict[str, tuple[OrderRequest, RiskView]]:
    """By the rule that refuses ("" for none, as the label says), from the first rules to the last."""
    view = scene.desk.view
    halted, known = view(clears), view(clears)
    halted.trading_state, known.known_intents = TradingState.HALTED, {clears.intent_id}
    oversized = scene.order(contracts=Decimal(90))
    stale = scene.order(decided_on=DecidedOn(tick_sequence=0, timestamp_ns=1))
    return {
        "clears": (clears, view(clears)),
        "trading_state refuses": (clears, halted),
        "account_share refuses": (oversized, view(oversized)),
        "price_age refuses": (stale, view(stale)),
        "duplicate_intent, the last rule, refuses": (clears, known),
    }


def _check(scene: Scene, name: str, order: OrderRequest, view: RiskView) -> None:
    """Is it the verdict that the label says?"""
    verdict = scene.limits.gate.judge(order, view)
    said = "clears" if isinstance(verdict, Cleared) else verdict.rule
    if not name.startswith(said):
        raise NotMeasured(f"judge: {name}: the gate said {verdict if said != 'clears' else said}")
