"""What protects a position, and what to do when it does not. Pure: what the venue shows in, one step out.

Attached take-profit and stop-loss are made by the venue when their parent fills: late, for a part, or not at all
(FACTS.md 10 leaves it open). So the stop is looked for, and made anew as one OCO over the whole position
(closeFraction 1, which grows and shrinks with it); where even that is refused the position is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from engine.execution.orders import number
from engine.venue.answers import Algo

OURS: Final = "sp"
"""What the client ids of our TP/SL orders begin with."""


class Do(Enum):
    """The next step."""

    NOTHING = "nothing"
    WAIT = "wait"  # the venue may still make it
    PLACE = "place"  # one OCO over the whole position
    CANCEL = "cancel"  # what is too much
    CLOSE = "close"  # it cannot be protected
    UNPROTECTED = "unprotected"  # not ours to judge: nobody said where its stop should be


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Where take-profit and stop-loss belong; take-profit may be absent."""

    tp: Decimal | None
    sl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do, about which algo orders, and why. `covered`: the venue holds a stop for all of it now."""

    do: Do
    covered: bool
    algo_ids: tuple[str, ...] = ()
    why: str = ""


def next_step(
    *,
    held: Decimal,
    algos: Sequence[Algo],
    levels: Levels | None,
    bare_s: float,
    limit_s: float,
    refused: bool,
    entering: bool,
) -> Step:
    """One step towards a position whose every contract has exactly one stop.

    `held`: signed contracts. `bare_s`: for how long some of it has had no stop. `refused`: the venue refused our OCO.
    `entering`: an order that adds to the position is on its way.
    """
    closing = "sell" if held > 0 else "buy"
    ours = [algo for algo in algos if algo.algoClOrdId.startswith(OURS)]
    stale = tuple(algo.algoId for algo in ours if not held or algo.side != closing)
    if not held:
        if stale and not entering:
            return Step(do=Do.CANCEL, covered=True, algo_ids=stale, why="the position is gone")
        return Step(do=Do.NOTHING, covered=True)
    stops = [algo for algo in algos if algo.side == closing and algo.slTriggerPx]
    covered, surplus = _cover(abs(held), stops)
    why = f"stops for {_total(stops)} of {abs(held)} contracts"
    if not covered and (bare_s >= limit_s or _total(stops) > abs(held)):
        # Stops for more than is held would be refused whole when they trigger, reduce-only: nothing to wait for.
        act = Do.UNPROTECTED if levels is None else Do.CLOSE if refused else Do.PLACE
        return Step(do=act, covered=False, why=why)
    if stale:
        return Step(do=Do.CANCEL, covered=covered, algo_ids=stale, why="of a position that is gone")
    mine = tuple(algo.algoId for algo in surplus if algo in ours)
    if mine:
        return Step(do=Do.CANCEL, covered=covered, algo_ids=mine, why=f"more than the {abs(held)} contracts held")
    return Step(do=Do.NOTHING if covered else Do.WAIT, covered=covered, why=why)


def _cover(held: Decimal, stops: Sequence[Algo]) -> tuple[bool, Sequence[Algo]]:
    """Whether the stops hold all of it, and those that are too much."""
    whole = [algo for algo in stops if algo.closeFraction == "1"]
    if whole:
        return True, [algo for algo in stops if algo is not whole[0]]
    total = _total(stops)
    if total == held:
        return True, ()
    for algo in stops:
        if total - _size(algo) == held:
            return True, [algo]
    return False, ()


def _total(stops: Sequence[Algo]) -> Decimal:
    return sum((_size(algo) for algo in stops), Decimal(0))


def _size(algo: Algo) -> Decimal:
    return number(algo.sz) or Decimal(0)


def whole_oco(instrument: str, margin_mode: str, held: Decimal, levels: Levels, client_id: str) -> dict[str, object]:
    """The order that protects all that is held, however much that will be. Source: FACTS.md 10, "order-algo"."""
    legs: dict[str, object] = {"slTriggerPx": format(levels.sl, "f"), "slOrdPx": "-1", "slTriggerPxType": "last"}
    if levels.tp is not None:
        legs |= {"tpTriggerPx": format(levels.tp, "f"), "tpOrdPx": "-1", "tpTriggerPxType": "last"}
    return {
        "instId": instrument,
        "tdMode": margin_mode,
        "side": "sell" if held > 0 else "buy",
        "ordType": "conditional" if levels.tp is None else "oco",
        "closeFraction": "1",
        "reduceOnly": True,
        "cxlOnClosePos": True,
        "algoClOrdId": client_id,
        **legs,
    }
