"""Raw order requests -> checked ones, or OKX's refusal. Knows the grid and the alphabet, not the account. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from engine.exchange.instrument import (
    INST_ID,
    INST_ID_CODE,
    MAX_LIMIT_LOTS,
    MAX_MARKET_LOTS,
    MIN_LOTS,
    OffGrid,
    lots_of,
    ticks_of,
)
from engine.exchange.matching import Side
from engine.exchange.orders import MarginMode, NewOrder, PosSide, Protection, Refusal

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_TAG: Final = re.compile(r"[A-Za-z0-9]{1,16}\Z")
_LIMITED: Final = frozenset({"limit", "post_only", "fok", "ioc"})
_AT_MARKET: Final = frozenset({"market", "optimal_limit_ioc"})
_STP_MODES: Final = frozenset({"cancel_maker", "cancel_taker", "cancel_both"})
TRIGGER_TYPES: Final = frozenset({"last", "mark", "index"})


class Refused(Exception):
    """Raised while a request is read; carries what the client is told."""

    def __init__(self, code: str, msg: str) -> None:
        super().__init__(f"{code} {msg}")
        self.refusal = Refusal(code=code, msg=msg)


def bad(name: str) -> Refused:
    """51000: this parameter cannot be understood."""
    return Refused("51000", f"Parameter {name} error")


def flag(raw: Mapping[str, Any], name: str) -> bool:
    """A boolean that may come as text; absent is False."""
    value = raw.get(name)
    if value in (None, "", False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise bad(name)


def client_id(raw: Mapping[str, Any], name: str) -> str:
    """1 to 32 letters or digits; "" when absent."""
    value = raw.get(name)
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not _CLIENT_ID.match(value):
        raise bad(name)
    return value


def instrument(raw: Mapping[str, Any], *, by_code: bool = False) -> None:
    """Refuses any other instrument. Websocket order ops name it by `instIdCode`, REST by `instId`."""
    if by_code:
        code = raw.get("instIdCode")
        if code in (None, ""):
            raise Refused("51000", "Parameter instIdCode can not be empty")
        if str(code) != str(INST_ID_CODE):
            raise Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
        return
    inst_id = raw.get("instId")
    if inst_id in (None, ""):
        raise Refused("50014", "Parameter instId can not be empty")
    if inst_id != INST_ID:
        raise Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def price(raw: Mapping[str, Any], name: str) -> int:
    """A positive price in ticks. Between two ticks: 51150."""
    try:
        ticks = ticks_of(raw.get(name))
    except OffGrid as error:
        raise Refused("51150", "Trade amount precision or trade price precision exceeded the limit") from error
    except ValueError as error:
        raise bad(name) from error
    if ticks <= 0:
        raise bad(name)
    return ticks


def size(raw: Mapping[str, Any], name: str = "sz") -> int:
    """A size in lots. Under the minimum: 51020; between two lots: 51121."""
    try:
        lots = lots_of(raw.get(name))
    except OffGrid as error:
        raise Refused("51121", "Order quantity must be a multiple of the lot size.") from error
    except ValueError as error:
        raise bad(name) from error
    if lots < MIN_LOTS:
        raise Refused("51020", "Your order should meet or exceed the minimum order amount.")
    return lots


def side_of(raw: Mapping[str, Any]) -> Side:
    """buy or sell."""
    match raw.get("side"):
        case "buy":
            return "buy"
        case "sell":
            return "sell"
    raise bad("side")


def margin_mode(raw: Mapping[str, Any], name: str = "tdMode") -> MarginMode:
    """cross or isolated; a swap has no cash mode."""
    match raw.get(name):
        case "cross":
            return "cross"
        case "isolated":
            return "isolated"
    raise bad(name)


def pos_side(raw: Mapping[str, Any], *, hedged: bool) -> PosSide:
    """In net mode posSide is absent or net; in hedge mode it must be long or short."""
    match raw.get("posSide"):
        case "long" if hedged:
            return "long"
        case "short" if hedged:
            return "short"
        case None | "" | "net" if not hedged:
            return "net"
    raise bad("posSide")


def tag_of(raw: Mapping[str, Any]) -> str:
    """Up to 16 letters or digits."""
    tag = raw.get("tag")
    if tag in (None, ""):
        return ""
    if not isinstance(tag, str) or not _TAG.match(tag):
        raise bad("tag")
    return tag


def protection(raw: Mapping[str, Any], id_name: str) -> Protection:
    """Take profit and stop loss; an order price of -1 is a market order."""
    legs: dict[str, Any] = {}
    for leg in ("tp", "sl"):
        if raw.get(f"{leg}TriggerPx") in (None, "", "0"):
            if raw.get(f"{leg}OrdPx") not in (None, "", "0"):
                raise bad(f"{leg}TriggerPx")
            continue
        legs[f"{leg}_trigger"] = price(raw, f"{leg}TriggerPx")
        if str(raw.get(f"{leg}OrdPx", "")) != "-1":
            legs[f"{leg}_order"] = price(raw, f"{leg}OrdPx")
        kind = str(raw.get(f"{leg}TriggerPxType") or "last")
        if kind not in TRIGGER_TYPES:
            raise bad(f"{leg}TriggerPxType")
        legs[f"{leg}_type"] = kind
    return Protection(algo_cl_ord_id=client_id(raw, id_name), cxl_on_close=flag(raw, "cxlOnClosePos"), **legs)


def new_order(raw: Mapping[str, Any], *, by_code: bool = False, hedged: bool = False) -> NewOrder:
    """A place request. In hedge mode reduceOnly means nothing: posSide says what closes. Raises: Refused."""
    instrument(raw, by_code=by_code)
    direction = pos_side(raw, hedged=hedged)
    ord_type = raw.get("ordType")
    if not isinstance(ord_type, str) or ord_type not in _LIMITED | _AT_MARKET:
        raise bad("ordType")
    lots = size(raw)
    if lots > (MAX_MARKET_LOTS if ord_type in _AT_MARKET else MAX_LIMIT_LOTS):
        raise Refused("51202", "The order quantity exceeds the maximum for this order type.")
    stp_mode = raw.get("stpMode") or "cancel_maker"
    if not isinstance(stp_mode, str) or stp_mode not in _STP_MODES:
        raise bad("stpMode")
    if stp_mode == "cancel_both" and ord_type == "fok":
        raise Refused("50016", "Parameter ordType can not be fok with stpMode cancel_both")
    attached_raw = raw.get("attachAlgoOrds") or []
    if not isinstance(attached_raw, list) or not all(isinstance(item, dict) for item in attached_raw):
        raise bad("attachAlgoOrds")
    attached = tuple(protection(item, "attachAlgoClOrdId") for item in attached_raw)
    if any(legs.tp_trigger is None and legs.sl_trigger is None for legs in attached):
        raise bad("attachAlgoOrds")
    reduce_only = flag(raw, "reduceOnly") and not hedged
    terms = NewOrder(
        side=side_of(raw),
        ord_type=ord_type,
        lots=lots,
        px=price(raw, "px") if ord_type in _LIMITED else None,
        td_mode=margin_mode(raw),
        pos_side=direction,
        reduce_only=reduce_only,
        cl_ord_id=client_id(raw, "clOrdId"),
        tag=tag_of(raw),
        stp_mode=stp_mode,
        attached=attached,
    )
    if (reduce_only or terms.closes) and attached:
        raise Refused("51100", "Unable to place a TP/SL order with a reduce-only order.")
    return terms


def check_trigger_sides(legs: Protection, *, closing: Side, reference: int, codes: tuple[str, str, str, str]) -> None:
    """A trigger on the wrong side of the reference price (ticks) would fire at once: refused.

    `codes`: take profit and stop loss when the algo sells, then when it buys.
    """
    above = closing == "sell"
    if legs.tp_trigger is not None and (legs.tp_trigger <= reference if above else legs.tp_trigger >= reference):
        word = "higher" if above else "lower"
        raise Refused(codes[0] if above else codes[2], f"The take-profit trigger price must be {word} than the price")
    if legs.sl_trigger is not None and (legs.sl_trigger >= reference if above else legs.sl_trigger <= reference):
        word = "lower" if above else "higher"
        raise Refused(codes[1] if above else codes[3], f"The stop-loss trigger price must be {word} than the price")
