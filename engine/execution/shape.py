"""Orders as the venue has them: prices of TP and SL, the order on the wire, an order made out of its fills. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engine.execution.orders import OrderRecord
from engine.execution.protection import OURS
from engine.risk.view import Terms
from engine.venue.answers import Fill
from engine.venue.frames import OrderData
from engine.venue.rest import TAG
from schemas.messages import OrderRequest, Side


def wire_order(order: OrderRequest, record: OrderRecord, *, margin_mode: str) -> dict[str, Any]:
    """The order as the venue takes it, TP and SL attached."""
    body: dict[str, Any] = {
        "instId": order.instrument,
        "tdMode": margin_mode,
        "side": "buy" if order.side is Side.BUY else "sell",
        "ordType": "market" if order.limit_price is None else "limit",
        "sz": format(order.contracts, "f"),
        "clOrdId": record.client_order_id,
        "tag": TAG,
    }
    if order.limit_price is not None:
        body["px"] = format(order.limit_price, "f")
    if order.reduce_only:
        body["reduceOnly"] = True
        return body
    protection: dict[str, str] = {}
    if record.tp_price is not None:
        protection |= {"tpTriggerPx": format(record.tp_price, "f"), "tpOrdPx": "-1", "tpTriggerPxType": "last"}
    if record.sl_price is not None:
        protection |= {"slTriggerPx": format(record.sl_price, "f"), "slOrdPx": "-1", "slTriggerPxType": "last"}
    if protection:
        body["attachAlgoOrds"] = [{"attachAlgoClOrdId": OURS + record.client_order_id[2:], **protection}]
    return body


def from_fills(record: OrderRecord, fills: list[Fill]) -> OrderData:
    """An order that the venue shows by its fills only: it has traded that much, and has ended."""
    sizes = [Decimal(fill.fillSz) for fill in fills]
    total = sum(sizes, Decimal(0))
    average = sum((Decimal(fill.fillPx) * size for fill, size in zip(fills, sizes, strict=True)), Decimal(0)) / total
    return OrderData(
        instId=record.instrument, ordId=fills[0].ordId, clOrdId=record.client_order_id, side=record.side.name.lower(),
        state="filled" if total >= record.contracts else "canceled", sz=str(record.contracts), accFillSz=str(total),
        avgPx=str(average), fee=str(sum((Decimal(fill.fee or "0") for fill in fills), Decimal(0))),
    )  # fmt: skip


def protection_prices(order: OrderRequest, terms: Terms, price: float) -> tuple[Decimal | None, Decimal | None]:
    """Prices of take-profit and stop-loss by their percent distances from `price`, on the tick."""
    if order.reduce_only:
        return None, None
    direction = 1 if order.side is Side.BUY else -1
    entry = order.limit_price if order.limit_price is not None else Decimal(str(price))

    def at(pct: float | None, sign: int) -> Decimal | None:
        if pct is None:
            return None
        raw = entry * (1 + sign * Decimal(str(pct)) / 100)
        return (raw / terms.tick).quantize(Decimal(1), ROUND_HALF_UP) * terms.tick

    return at(order.tp_pct, direction), at(order.sl_pct, -direction)
