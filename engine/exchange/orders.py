"""The user's orders: their terms, their life, and where to find them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from engine.exchange.book import Resting
from engine.exchange.instrument import notional
from engine.exchange.matching import Side

State = Literal["live", "partially_filled", "filled", "canceled"]
MarginMode = Literal["cross", "isolated"]
PosSide = Literal["net", "long", "short"]
Category = Literal["normal", "partial_liquidation", "full_liquidation"]
ENDED: Final = frozenset({"filled", "canceled"})
IMMEDIATE: Final = frozenset({"market", "ioc", "fok", "optimal_limit_ioc"})
UNFILLED_CANCEL_KEPT_MS: Final = 2 * 3600 * 1000  # then OKX forgets an order that never traded


class Slot(NamedTuple):
    """Where a position lives: a margin mode, and in hedge mode a direction of its own (in net mode "net")."""

    mode: MarginMode
    side: PosSide = "net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An item that was not accepted: OKX's sCode and sMsg."""

    code: str
    msg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Take profit and stop loss wanted for a position. Prices in ticks; an order price None means market."""

    algo_cl_ord_id: str = ""
    tp_trigger: int | None = None
    tp_order: int | None = None
    tp_type: str = "last"
    sl_trigger: int | None = None
    sl_order: int | None = None
    sl_type: str = "last"
    cxl_on_close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """A checked request. Price in ticks (None: at market), size in lots."""

    side: Side
    ord_type: str
    lots: int
    px: int | None
    td_mode: MarginMode
    pos_side: PosSide = "net"
    reduce_only: bool = False
    cl_ord_id: str = ""
    tag: str = ""
    stp_mode: str = "cancel_maker"
    attached: tuple[Protection, ...] = ()
    source: str = ""
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    category: Category = "normal"
    slot: Slot = field(init=False, compare=False, repr=False)
    """The position that it trades for; made once, since every check asks it of every order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "slot", Slot(self.td_mode, self.pos_side))

    @property
    def closes(self) -> bool:
        """Whether, in hedge mode, it closes: posSide says so, not reduceOnly."""
        return self.pos_side == ("long" if self.side == "sell" else "short")


@dataclass(slots=True)
class Order:
    """An accepted order. `filled_value` is the USDT sum of its fills; fees are negative when charged."""

    ord_id: str
    terms: NewOrder
    lots: int
    px: int | None
    lever: Decimal
    created_ms: int
    updated_ms: int
    state: State = "live"
    filled: int = 0
    filled_value: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    rebate: Decimal = Decimal(0)
    pnl: Decimal = Decimal(0)
    cancel_source: str = ""
    req_id: str = ""
    amend_result: str = ""
    last_fill: Fill | None = None
    resting: Resting | None = field(default=None, repr=False)

    @property
    def left(self) -> int:
        """Lots not filled yet."""
        return self.lots - self.filled

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in ENDED

    @property
    def value_left(self) -> Decimal:
        """USDT that the rest would trade for at the order's own price; 0 for a market order."""
        return notional(self.left, self.px) if self.px is not None else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of the user. `liquidity` T(aker) or M(aker); fee negative when charged; pnl without fee."""

    trade_id: str
    bill_id: str
    ord_id: str
    cl_ord_id: str
    tag: str
    side: Side
    px: int
    lots: int
    liquidity: Literal["T", "M"]
    fee: Decimal
    fee_rate: Decimal
    pnl: Decimal
    mark: int
    ts_ms: int
    pos_side: PosSide = "net"


class OrderBookkeeper:
    """All orders of the account, by both names, and their fills."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._by_client: dict[str, Order] = {}
        self._pending: dict[str, Order] = {}
        self.fills: list[Fill] = []

    def add(self, order: Order) -> None:
        """A new order. Its client's name now means this one, even if an ended order had it before."""
        self._by_id[order.ord_id] = order
        self._pending[order.ord_id] = order
        if order.terms.cl_ord_id:
            self._by_client[order.terms.cl_ord_id] = order

    def end(self, order: Order) -> None:
        """The order is filled or canceled: it no longer counts as pending, and its client's name is free again."""
        self._pending.pop(order.ord_id, None)

    def find(self, ord_id: str, cl_ord_id: str) -> Order | None:
        """By venue id, which wins, or by the client's; None when neither is known."""
        return self._by_id.get(ord_id) if ord_id else self._by_client.get(cl_ord_id)

    def pending_client_id(self, cl_ord_id: str) -> bool:
        """Whether an order that has not ended carries this client id."""
        order = self._by_client.get(cl_ord_id)
        return order is not None and not order.ended

    def pending(self) -> list[Order]:
        """Orders that have not ended, oldest first."""
        return list(self._pending.values())

    def history(self, now_ms: int) -> list[Order]:
        """Ended orders, newest first, without those that OKX would have forgotten."""
        return [o for o in reversed(self._by_id.values()) if o.ended and not forgotten(o, now_ms)]


def forgotten(order: Order, now_ms: int) -> bool:
    """An order canceled without a fill is kept for 2 hours only."""
    return order.state == "canceled" and not order.filled and now_ms - order.updated_ms > UNFILLED_CANCEL_KEPT_MS
