"""What is a trade, and was it counted already: one answer for all parts of the layer."""

from __future__ import annotations

from typing import Final

from brain.order_flow.trade_chain import SeenIds, TradeChain
from brain.order_flow.units import LARGEST, SMALLEST
from schemas.clock import NS_PER_S
from schemas.messages import Side, Trade

REFUSED: Final = ("doubled", "price", "side", "size", "time")
"""Why a trade may be refused."""
AHEAD_NS: Final = 60 * NS_PER_S
"""As far may the venue's time be ahead of ours. The windows move with the newest time and never back: one time of the
next century would empty them for ever. More than that between the clocks, and the engine does not trade at all."""


class TradeScreen:
    """Lets each trade of one instrument through once. `refused` counts by reason; `last` says the last one in words."""

    __slots__ = ("_seen", "chain", "last", "refused")

    def __init__(self) -> None:
        self.chain = TradeChain()
        self._seen = SeenIds()
        self.refused: dict[str, int] = dict.fromkeys(REFUSED, 0)
        self.last = ""

    def admit(self, trade: Trade, count: int = 0) -> bool:
        """Is it a trade, and a new one? `count`: fills that it stands for, 0 where the venue does not say."""
        if not (SMALLEST <= trade.size <= LARGEST and SMALLEST <= trade.price <= LARGEST):  # NaN compares false
            name = "price" if SMALLEST <= trade.size <= LARGEST else "size"
            return self._refuse(name, trade, f"a {name} of {trade.price if name == 'price' else trade.size}")
        if trade.side is Side.NONE:
            return self._refuse("side", trade, "no side")
        if not 0 < trade.exchange_ns <= trade.received_ns + AHEAD_NS:
            return self._refuse("time", trade, f"a time of {trade.exchange_ns}")
        if count > 0:
            new = self.chain.tell(trade.trade_id, count, trade.exchange_ns)
        else:
            new = self._seen.tell(trade.trade_id, trade.exchange_ns)
        return new or self._refuse("doubled", trade, "been told before, or is too old to tell")

    def _refuse(self, why: str, trade: Trade, text: str) -> bool:
        self.refused[why] += 1
        self.last = f"trade {trade.trade_id} has {text}"
        return False
