"""Take profit, stop loss and trigger orders: what waits for a price, and what it turns into. Pure.

An OCO is one algo order with two legs, so that the other leg ends by itself when one of them triggers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from engine.exchange.matching import Side
from engine.exchange.orders import MarginMode, NewOrder, PosSide, Protection, Slot
from engine.exchange.trailing import Trailing

AlgoState = Literal["live", "effective", "canceled", "order_failed"]
ORD_TYPES: Final = frozenset({"conditional", "oco", "trigger", "move_order_stop"})

_SOURCES: Final = {"tp": "7", "sl": "7", "trigger": "6", "trail": "25"}


@dataclass(slots=True)
class Algo:
    """One algo order. Lots None: all of the position when it triggers (closeFraction 1). Prices in ticks."""

    algo_id: str
    ord_type: str
    side: Side
    td_mode: MarginMode
    lots: int | None
    legs: Protection
    reduce_only: bool
    created_ms: int
    updated_ms: int
    trigger_px: int | None = None  # ordType trigger
    order_px: int | None = None
    trigger_type: str = "last"
    trailing: Trailing | None = None  # ordType move_order_stop
    parent_id: str = ""
    tag: str = ""
    state: AlgoState = "live"
    actual_side: str = ""
    actual_px: int | None = None
    actual_lots: int = 0
    child_ids: tuple[str, ...] = ()
    fail_code: str = ""
    triggered_ms: int | None = None
    pos_side: PosSide = "net"
    reference_px: int = 0  # last price when it was placed: a plain trigger fires when the price comes to it

    @property
    def slot(self) -> Slot:
        """The position that it is about."""
        return Slot(self.td_mode, self.pos_side)

    @property
    def closes_when_above(self) -> bool:
        """Whether the take profit lies above the market (the algo sells)."""
        return self.side == "sell"

    def fired(self, px: int, kind: str) -> str:
        """Which leg a price (ticks) of a kind (last, mark, index) sets off: tp, sl, trigger, trail, or an empty string.

        A trailing stop remembers the price.
        """
        if self.trailing is not None:
            return "trail" if kind == "last" and self.trailing.hit(px) else ""
        if self.ord_type == "trigger":
            if self.trigger_px is None or self.trigger_type != kind:
                return ""
            rising = self.trigger_px >= self.reference_px
            return "trigger" if (px >= self.trigger_px if rising else px <= self.trigger_px) else ""
        legs = self.legs
        above = self.closes_when_above
        if legs.sl_trigger is not None and legs.sl_type == kind and _reached(px, legs.sl_trigger, above=not above):
            return "sl"
        if legs.tp_trigger is not None and legs.tp_type == kind and _reached(px, legs.tp_trigger, above=above):
            return "tp"
        return ""

    def child(self, leg: str, lots: int) -> NewOrder:
        """The order that a leg turns into."""
        px = {"tp": self.legs.tp_order, "sl": self.legs.sl_order, "trigger": self.order_px, "trail": None}[leg]
        return NewOrder(
            side=self.side,
            ord_type="market" if px is None else "limit",
            lots=lots,
            px=px,
            td_mode=self.td_mode,
            pos_side=self.pos_side,
            reduce_only=self.reduce_only,
            tag=self.tag,
            source=_SOURCES[leg],
            algo_id=self.algo_id,
            algo_cl_ord_id=self.legs.algo_cl_ord_id,
        )


def _reached(px: int, trigger: int, *, above: bool) -> bool:
    return px >= trigger if above else px <= trigger


class AlgoBookkeeper:
    """All algo orders of the account."""

    def __init__(self) -> None:
        self._by_id: dict[str, Algo] = {}
        self._live: dict[str, Algo] = {}

    def add(self, algo: Algo) -> None:
        """A new one."""
        self._by_id[algo.algo_id] = algo
        self._live[algo.algo_id] = algo

    def end(self, algo: Algo) -> None:
        """It triggered, failed or was canceled."""
        self._live.pop(algo.algo_id, None)

    def live(self) -> list[Algo]:
        """Those that wait, oldest first."""
        return list(self._live.values())

    def find(self, algo_id: str, cl_id: str) -> Algo | None:
        """By venue id, which wins, or the newest with the client's id."""
        if algo_id:
            return self._by_id.get(algo_id)
        return next((a for a in reversed(self._by_id.values()) if cl_id and a.legs.algo_cl_ord_id == cl_id), None)

    def client_id_taken(self, cl_id: str) -> bool:
        """Whether a live algo order carries this client id."""
        return any(algo.legs.algo_cl_ord_id == cl_id for algo in self._live.values())

    def history(self) -> list[Algo]:
        """Ended ones, newest first."""
        return [algo for algo in reversed(self._by_id.values()) if algo.state != "live"]
