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
    """What to do, about which algo orders, and why."""

    do: Do
    algo_ids: tuple[str, ...] = ()
    why: str = ""

    @property
    def covered(self) -> bool:
        """Whether the venue holds a stop for all of it now."""
        return self.do in {Do.NOTHING, Do.CANCEL}


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
    if not held:
        stale = tuple(algo.algoId for algo in algos if _ours(algo))
        if stale and not entering:
            return Step(do=Do.CANCEL, algo_ids=stale, why="the position is gone")
        return Step(do=Do.NOTHING)
    closing = "sell" if held > 0 else "buy"
    stale = tuple(algo.algoId for algo in algos if _ours(algo) and algo.side != closing)
    if stale:
        return Step(do=Do.CANCEL, algo_ids=stale, why="of a position that is gone")
    stops = [algo for algo in algos if algo.side == closing and algo.slTriggerPx]
    whole = [algo for algo in stops if algo.closeFraction == "1"]
    if whole:
        surplus = tuple(algo.algoId for algo in stops if algo is not whole[0] and _ours(algo))
        return Step(do=Do.CANCEL, algo_ids=surplus, why="one stop holds it all") if surplus else Step(do=Do.NOTHING)
    return _by_size(abs(held), stops, levels, bare_s, limit_s, refused=refused)


def _by_size(
    held: Decimal, stops: list[Algo], levels: Levels | None, bare_s: float, limit_s: float, *, refused: bool
) -> Step:
    sizes = [number(algo.sz) or Decimal(0) for algo in stops]
    total = sum(sizes, Decimal(0))
    if total == held:
        return Step(do=Do.NOTHING)
    for algo, size in zip(stops, sizes, strict=True):
        if total - size == held and _ours(algo):
            return Step(do=Do.CANCEL, algo_ids=(algo.algoId,), why=f"{total} contracts of stops for {held} held")
    # Stops for more than is held would be refused whole when they trigger (reduce-only), so that counts as bare, too.
    why = f"stops for {total} of {held} contracts"
    if bare_s < limit_s and total < held:
        return Step(do=Do.WAIT, why=why)
    if levels is None:
        return Step(do=Do.UNPROTECTED, why=why)
    return Step(do=Do.CLOSE if refused else Do.PLACE, why=why)


def _ours(algo: Algo) -> bool:
    return algo.algoClOrdId.startswith(OURS)


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
