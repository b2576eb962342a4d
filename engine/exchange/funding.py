"""Funding: when it is due, at which rate, and the payment. Times are milliseconds since 1970 UTC, injected.

Source: FACTS 12. At each multiple of the interval longs pay sz x ctVal x MARK x rate to shorts when the rate is
positive, and the other way round. The rates are a setting, one per period in turn, so the past has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from engine.exchange.bills import FUNDING, FUNDING_PAID, FUNDING_RECEIVED, money, on_grid
from engine.exchange.config import Rules
from engine.exchange.desk import Desk
from engine.exchange.instrument import INST_ID, INST_TYPE, notional
from engine.exchange.notes import MoneyNote, Note

_HOUR_MS: Final = 3_600_000
_HISTORY_MS: Final = 90 * 24 * _HOUR_MS


class Schedule:
    """The funding times and their rates. A period that was settled stays so, even if the wall clock goes back."""

    def __init__(self, rules: Rules, now_ms: int) -> None:
        self._rates = rules.funding_rates
        self.every_ms = rules.funding_hours * _HOUR_MS
        self.next_ms = (now_ms // self.every_ms + 1) * self.every_ms

    def rate(self, funding_ms: int) -> Decimal:
        """The rate that is charged at a funding time, as a fraction of the notional."""
        return self._rates[funding_ms // self.every_ms % len(self._rates)]

    def due(self, now_ms: int) -> Iterator[int]:
        """Funding times that have come since the last call, oldest first."""
        while now_ms >= self.next_ms:
            self.next_ms += self.every_ms
            yield self.next_ms - self.every_ms

    def row(self, now_ms: int) -> dict[str, str]:
        """The running period, as REST and the channel show it."""
        return {
            "instType": INST_TYPE,
            "instId": INST_ID,
            "formulaType": "withRate",
            "fundingRate": money(self.rate(self.next_ms)),
            "fundingTime": str(self.next_ms),
            "nextFundingRate": "",
            "nextFundingTime": str(self.next_ms + self.every_ms),
            "method": "current_period",
            "minFundingRate": "-0.00375",
            "maxFundingRate": "0.00375",
            "interestRate": "0.0001",
            "impactValue": "20000",
            "premium": "0",
            "settFundingRate": money(self.rate(self.next_ms - self.every_ms)),
            "settState": "settled",
            "ts": str(now_ms),
        }

    def history(self) -> Iterator[dict[str, str]]:
        """Settled periods of the last three months, newest first."""
        for back in range(1, _HISTORY_MS // self.every_ms + 1):
            at_ms = self.next_ms - back * self.every_ms
            yield {
                "instType": INST_TYPE,
                "instId": INST_ID,
                "formulaType": "withRate",
                "fundingRate": money(self.rate(at_ms)),
                "realizedRate": money(self.rate(at_ms)),
                "fundingTime": str(at_ms),
                "method": "current_period",
            }


class Funding:
    """Charges and pays out what the schedule says."""

    def __init__(self, desk: Desk, schedule: Schedule, tell: Callable[[Note], None]) -> None:
        self._desk = desk
        self.schedule = schedule
        self._tell = tell

    def settle(self, now_ms: int) -> None:
        """Every funding time that has come is settled once, at the present mark."""
        for at_ms in self.schedule.due(now_ms):
            self._pay(at_ms)

    def _pay(self, at_ms: int) -> None:
        desk, mark = self._desk, self._desk.market.mark
        for position in desk.account.open_positions():
            amount = on_grid(-notional(position.lots, mark) * self.schedule.rate(at_ms))
            if not amount:
                continue
            desk.account.fund(position.slot, amount, at_ms)
            desk.ledger.enter(
                bill_id=desk.next_id(),
                type=FUNDING,
                sub_type=FUNDING_PAID if amount < 0 else FUNDING_RECEIVED,
                slot=position.slot,
                ts_ms=at_ms,
                pnl=amount,
                lots=abs(position.lots),
                px=mark,
            )
            self._tell(MoneyNote("funding_fee", position.slot, ""))
