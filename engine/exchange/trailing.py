"""A trailing stop (ordType move_order_stop): it follows the market one way and fires when the market turns. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.exchange.matching import Side


@dataclass(slots=True)
class Trailing:
    """Fires when the last price comes back from its extreme by `ratio` of it, or by `spread` ticks.

    It starts to follow at once, or when the price reaches `active` (ticks). `extreme` is None until then.
    """

    side: Side
    ratio: Decimal | None
    spread: int | None
    active: int | None
    extreme: int | None = None

    @property
    def trigger(self) -> int | None:
        """The price (ticks) at which it fires now; None while it does not follow yet."""
        if self.extreme is None:
            return None
        sign = 1 if self.side == "buy" else -1
        if self.spread is not None:
            return max(1, self.extreme + sign * self.spread)
        exact = self.extreme * (1 + sign * (self.ratio or Decimal(0)))
        return max(1, int(exact.to_integral_value(ROUND_FLOOR if self.side == "buy" else ROUND_CEILING)))

    def hit(self, px: int) -> bool:
        """A last price in ticks: whether it fires; else it is followed."""
        selling = self.side == "sell"
        if self.extreme is None:
            if self.active is not None and (px < self.active if selling else px > self.active):
                return False
            self.extreme = px
        trigger = self.trigger
        if trigger is not None and (px <= trigger if selling else px >= trigger):
            return True
        self.extreme = max(self.extreme, px) if selling else min(self.extreme, px)
        return False
