"""Raw algo order requests -> checked ones, or OKX's refusal. Source: FACTS 10. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.exchange.algos import ORD_TYPES, Algo
from engine.exchange.instrument import decimal_of
from engine.exchange.intake import (
    TRIGGER_TYPES,
    bad,
    check_trigger_sides,
    flag,
    instrument,
    margin_mode,
    pos_side,
    price,
    protection,
    side_of,
    size,
    tag_of,
)
from engine.exchange.matching import Side
from engine.exchange.orders import Protection
from engine.exchange.trailing import Trailing


def new_algo(raw: Mapping[str, Any], *, algo_id: str, now_ms: int, last_px: int, hedged: bool = False) -> Algo:
    """A POST order-algo request: conditional, oco, trigger or move_order_stop. Raises: Refused.

    What must not open is reduce-only in net mode; in hedge mode its posSide must be the one that its side closes.
    """
    instrument(raw)
    direction = pos_side(raw, hedged=hedged)
    ord_type = raw.get("ordType")
    if not isinstance(ord_type, str) or ord_type not in ORD_TYPES:
        raise bad("ordType")
    reduce_only = flag(raw, "reduceOnly") and not hedged
    side = side_of(raw)
    closes = direction == ("long" if side == "sell" else "short") if hedged else reduce_only
    whole = str(raw.get("closeFraction") or "") == "1"
    if whole and not closes:
        raise bad("posSide" if hedged else "reduceOnly")
    # ccxt sends clOrdId for algo orders (CCXT.md).
    name = "algoClOrdId" if raw.get("algoClOrdId") else "clOrdId"
    legs = protection(raw, name)
    if legs.cxl_on_close and not closes:
        raise bad("cxlOnClosePos")
    algo = Algo(
        algo_id=algo_id,
        ord_type=ord_type,
        side=side,
        td_mode=margin_mode(raw),
        pos_side=direction,
        lots=None if whole else size(raw),
        legs=legs,
        reduce_only=reduce_only,
        created_ms=now_ms,
        updated_ms=now_ms,
        tag=tag_of(raw),
        reference_px=last_px,
    )
    if ord_type == "trigger":
        algo.trigger_px = price(raw, "triggerPx")
        name = "orderPx" if raw.get("orderPx") not in (None, "") else "ordPx"
        algo.order_px = None if str(raw.get(name, "")) == "-1" else price(raw, name)
        kind = str(raw.get("triggerPxType") or "last")
        if kind not in TRIGGER_TYPES:
            raise bad("triggerPxType")
        algo.trigger_type = kind
    elif ord_type == "move_order_stop":
        algo.trailing = _trailing(raw, algo.side, last_px)
    else:
        _check_legs(algo, last_px)
    return algo


def _trailing(raw: Mapping[str, Any], side: Side, last_px: int) -> Trailing:
    ratio = None
    if raw.get("callbackRatio") in (None, ""):
        spread = price(raw, "callbackSpread")
    else:
        spread = None
        try:
            ratio = decimal_of(raw["callbackRatio"])
        except ValueError:
            raise bad("callbackRatio") from None
        if not 0 < ratio < 1 or raw.get("callbackSpread") not in (None, ""):
            raise bad("callbackRatio")
    active = price(raw, "activePx") if raw.get("activePx") not in (None, "") else None
    return Trailing(side, ratio, spread, active, None if active is not None else last_px)


def _check_legs(algo: Algo, last_px: int) -> None:
    legs = algo.legs
    if legs.tp_trigger is None and legs.sl_trigger is None:
        raise bad("tpTriggerPx")
    if algo.ord_type == "oco" and (legs.tp_trigger is None or legs.sl_trigger is None):
        raise bad("tpTriggerPx" if legs.tp_trigger is None else "slTriggerPx")
    if algo.ord_type == "conditional" and legs.tp_trigger is not None and legs.sl_trigger is not None:
        # OKX keeps only the stop of such an order (FACTS 10); the trap is part of the venue.
        algo.legs = legs = Protection(
            algo_cl_ord_id=legs.algo_cl_ord_id,
            sl_trigger=legs.sl_trigger,
            sl_order=legs.sl_order,
            sl_type=legs.sl_type,
            cxl_on_close=legs.cxl_on_close,
        )
    check_trigger_sides(legs, closing=algo.side, reference=last_px, codes=("51279", "51280", "51277", "51278"))
