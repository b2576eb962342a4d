"""The whole REST table of the venue, put together once."""

from __future__ import annotations

from collections.abc import Callable

from engine.exchange.exchange import Exchange
from engine.exchange.rest import Route
from engine.exchange.rest_account import AccountRoutes
from engine.exchange.rest_market import MarketRoutes
from engine.exchange.rest_public import PublicRoutes
from engine.exchange.rest_trade import TradeRoutes
from engine.exchange.rest_wallet import WalletRoutes
from engine.exchange.trade_api import TradeApi


def all_routes(
    exchange: Exchange, api: TradeApi, book_was_read: Callable[[], None] = lambda: None
) -> dict[tuple[str, str], Route]:
    """(method, path) -> route. `book_was_read` hears of each GET market/books before it is answered."""
    return (
        MarketRoutes(exchange, book_was_read).table()
        | PublicRoutes(exchange).table()
        | AccountRoutes(exchange).table()
        | WalletRoutes(exchange).table()
        | TradeRoutes(exchange, api).table()
    )
