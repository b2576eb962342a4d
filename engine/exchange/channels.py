"""Which channel lives on which path, what its arg must say, and who may have it. Source: FACTS 3, 4, 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.exchange.config import Rules
from engine.exchange.instrument import INST_FAMILY, INST_ID
from engine.exchange.market.candles import BARS_MS

CANDLES: Final = frozenset(f"candle{bar}" for bar in BARS_MS)
COUNTED: Final = frozenset({"orders", "positions", "account", "balance_and_position", "liquidation-warning"})
PRIVATE: Final = COUNTED | {"orders-algo"}
_VIP_ONLY: Final = frozenset({"books-l2-tbt", "books50-l2-tbt"})
_OF_THE_SWAP: Final = frozenset(
    {"books", "books5", "bbo-tbt", "trades", "tickers", "mark-price", "price-limit", "funding-rate"}
)
_TYPED: Final = frozenset({"orders", "positions", "orders-algo", "liquidation-warning", "instruments"})
_ON_BUSINESS: Final = CANDLES | {"trades-all", "orders-algo"}
_ON_PUBLIC: Final = _OF_THE_SWAP | _VIP_ONLY | {"index-tickers", "instruments", "status"}

Problem = tuple[str, str]


def problem(path: str, arg: Mapping[str, Any], rules: Rules, *, logged_in: bool) -> Problem | None:
    """Why this arg cannot be subscribed to on this path: code and text; None if it can."""
    channel = arg.get("channel")
    if not isinstance(channel, str):
        return "60012", f"Invalid request: {arg}"
    if channel in _VIP_ONLY and path == "public" and rules.vip < rules.tbt_vip:
        return "64003", f"Your trading fee tier does not allow the channel {channel}."
    if path != _path_of(channel) or not _names_it(channel, arg):
        return "60018", (
            f"Wrong URL or channel:{channel},instId:{arg.get('instId', '')} doesn't exist. "
            "Please use the correct URL, channel and parameters referring to API document."
        )
    needs_login = PRIVATE | _VIP_ONLY | ({"trades-all"} if rules.trades_all_login else set())
    if channel in needs_login and not logged_in:
        return "60011", "Please log in"
    return None


def _path_of(channel: str) -> str:
    if channel in _ON_BUSINESS:
        return "business"
    if channel in _ON_PUBLIC:
        return "public"
    return "private" if channel in PRIVATE else ""


def _names_it(channel: str, arg: Mapping[str, Any]) -> bool:
    if channel in _OF_THE_SWAP | _VIP_ONLY | CANDLES or channel == "trades-all":
        return arg.get("instId") == INST_ID
    if channel == "index-tickers":
        return arg.get("instId") == INST_FAMILY
    return channel not in _TYPED or isinstance(arg.get("instType"), str)
