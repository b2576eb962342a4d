"""liquidation-warning: a position whose margin ratio has come down to 300 % is told once, until it recovers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from engine.exchange.exchange import Exchange
from engine.exchange.orders import Slot
from engine.exchange.statement import margin_ratio

WARN_AT: Final = Decimal(3)
_SHOWN: Final = (
    "instType", "mgnMode", "posId", "posSide", "pos", "instId", "lever", "markPx", "mgnRatio", "ccy", "cTime", "uTime",
    "pTime",
)  # fmt: skip


class RiskWatch:
    """Remembers which positions were warned."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._warned: set[Slot] = set()

    def look(self) -> list[dict[str, Any]]:
        """Rows to push now."""
        exchange, rows = self._exchange, []
        for position in exchange.account.current():
            slot = position.slot
            ratio = margin_ratio(exchange.account, position, exchange.market.mark)
            if ratio is None or ratio > WARN_AT:
                self._warned.discard(slot)
            elif slot not in self._warned:
                self._warned.add(slot)
                (row,) = exchange.position_rows([slot])
                rows.append({name: row[name] for name in _SHOWN})
        return rows
