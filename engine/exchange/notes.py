"""What the core tells the outside after it changed: public trades, and changes of the user's things.

Rows are rendered when the change happens, since orders go on changing before anybody reads the note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.exchange.market.state import PublicTrade
from engine.exchange.orders import Slot


@dataclass(frozen=True, slots=True)
class TradeNote:
    """A public trade."""

    trade: PublicTrade


@dataclass(frozen=True, slots=True)
class OrderNote:
    """One change of one order, as the orders channel shows it."""

    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlgoNote:
    """One change of one algo order."""

    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MoneyNote:
    """Balance or a position changed. `event` as in balance_and_position; trade_id "" when no trade did it."""

    event: str
    slot: Slot
    trade_id: str


@dataclass(frozen=True, slots=True)
class BulletinNote:
    """The venue announced something: a row for the channel instruments or status."""

    channel: str
    row: dict[str, Any]


Note = BulletinNote | TradeNote | OrderNote | AlgoNote | MoneyNote
