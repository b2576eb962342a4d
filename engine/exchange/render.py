"""Orders, fills and algo orders as OKX writes them: strings, "" for what is absent, fees negative when charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.exchange.algos import Algo
from engine.exchange.bills import TRADED, money
from engine.exchange.instrument import INST_ID, INST_TYPE, SETTLE_CCY, notional, px_text, sz_text
from engine.exchange.orders import Fill, Order, Protection
from engine.exchange.trailing import Trailing


def optional_px(ticks: int | None) -> str:
    """Ticks, or "" for none."""
    return "" if ticks is None else px_text(ticks)


def _order_px(trigger: int | None, order: int | None) -> str:
    if trigger is None:
        return ""
    return "-1" if order is None else px_text(order)


def protection_row(legs: Protection) -> dict[str, str]:
    """Trigger and order prices of both legs; -1 is at market."""
    return {
        "tpTriggerPx": optional_px(legs.tp_trigger),
        "tpTriggerPxType": legs.tp_type if legs.tp_trigger is not None else "",
        "tpOrdPx": _order_px(legs.tp_trigger, legs.tp_order),
        "slTriggerPx": optional_px(legs.sl_trigger),
        "slTriggerPxType": legs.sl_type if legs.sl_trigger is not None else "",
        "slOrdPx": _order_px(legs.sl_trigger, legs.sl_order),
    }


def order_row(order: Order) -> dict[str, Any]:
    """An order for REST. Its fill fields describe the last fill only."""
    terms, last = order.terms, order.last_fill
    average = order.filled_value / Decimal(order.filled).scaleb(-4) if order.filled else None
    return {
        "accFillSz": sz_text(order.filled),
        "algoClOrdId": terms.algo_cl_ord_id,
        "algoId": terms.algo_id,
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [
            {"attachAlgoClOrdId": legs.algo_cl_ord_id, "attachAlgoId": "", **protection_row(legs)}
            for legs in terms.attached
        ],
        "avgPx": money(average) if average is not None else "",
        "cTime": str(order.created_ms),
        "cancelSource": order.cancel_source,
        "cancelSourceReason": "",
        "category": terms.category,
        "ccy": "",
        "clOrdId": terms.cl_ord_id,
        "fee": money(order.fee),
        "feeCcy": SETTLE_CCY,
        "fillPx": px_text(last.px) if last else "",
        "fillSz": sz_text(last.lots) if last else "0",
        "fillTime": str(last.ts_ms) if last else "",
        "instId": INST_ID,
        "instType": INST_TYPE,
        "isTpLimit": "false",
        "lever": money(order.lever),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order.ord_id,
        "ordType": terms.ord_type,
        "pnl": money(order.pnl),
        "posSide": terms.pos_side,
        "px": optional_px(order.px),
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "quickMgnType": "",
        "rebate": money(order.rebate),
        "rebateCcy": SETTLE_CCY,
        "reduceOnly": "true" if terms.reduce_only else "false",
        "side": terms.side,
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": terms.source,
        "state": order.state,
        "stpId": "",
        "stpMode": terms.stp_mode,
        "sz": sz_text(order.lots),
        "tag": terms.tag,
        "tdMode": terms.td_mode,
        "tgtCcy": "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeId": last.trade_id if last else "",
        "uTime": str(order.updated_ms),
    }


def order_push(
    order: Order, last_px: int, fill: Fill | None = None, *, req_id: str = "", amended: str = ""
) -> dict[str, Any]:
    """An order for the orders channel: `fill` is what this very push is about, if it is about one."""
    return {
        **order_row(order),
        "amendResult": amended,
        "amendSource": "1" if amended else "",
        "code": "0",
        "execType": fill.liquidity if fill else "",
        "fillFee": money(fill.fee) if fill else "0",
        "fillFeeCcy": SETTLE_CCY if fill else "",
        "fillIdxPx": px_text(fill.mark) if fill else "",
        "fillMarkPx": px_text(fill.mark) if fill else "",
        "fillNotionalUsd": money(notional(fill.lots, fill.px)) if fill else "",
        "fillPnl": money(fill.pnl) if fill else "0",
        "fillPx": px_text(fill.px) if fill else "",
        "fillSz": sz_text(fill.lots) if fill else "0",
        "fillTime": str(fill.ts_ms) if fill else "",
        "lastPx": px_text(last_px),
        "msg": "",
        "notionalUsd": money(notional(order.lots, order.px or last_px)),
        "reqId": req_id,
        "tradeId": fill.trade_id if fill else "",
    }


def fill_row(fill: Fill) -> dict[str, str]:
    """One execution for GET fills."""
    return {
        "instType": INST_TYPE,
        "instId": INST_ID,
        "tradeId": fill.trade_id,
        "ordId": fill.ord_id,
        "clOrdId": fill.cl_ord_id,
        "billId": fill.bill_id,
        "subType": TRADED[fill.pos_side, fill.side],
        "tag": fill.tag,
        "fillPx": px_text(fill.px),
        "fillSz": sz_text(fill.lots),
        "fillIdxPx": px_text(fill.mark),
        "fillMarkPx": px_text(fill.mark),
        "fillPnl": money(fill.pnl),
        "fillTime": str(fill.ts_ms),
        "side": fill.side,
        "posSide": fill.pos_side,
        "execType": fill.liquidity,
        "feeCcy": SETTLE_CCY,
        "fee": money(fill.fee),
        "feeRate": money(fill.fee_rate),
        "ts": str(fill.ts_ms),
    }


def _trailing_row(trailing: Trailing | None) -> dict[str, str]:
    if trailing is None:
        return {"activePx": "", "callbackRatio": "", "callbackSpread": "", "moveTriggerPx": ""}
    return {
        "activePx": optional_px(trailing.active),
        "callbackRatio": "" if trailing.ratio is None else money(trailing.ratio),
        "callbackSpread": optional_px(trailing.spread),
        "moveTriggerPx": optional_px(trailing.trigger),
    }


def algo_row(algo: Algo) -> dict[str, Any]:
    """An algo order, for REST and for orders-algo."""
    return {
        "algoId": algo.algo_id,
        "algoClOrdId": algo.legs.algo_cl_ord_id,
        "clOrdId": "",
        "instId": INST_ID,
        "instType": INST_TYPE,
        "ordId": algo.child_ids[0] if algo.child_ids else "",
        "ordIdList": list(algo.child_ids),
        "ordType": algo.ord_type,
        "state": algo.state,
        "side": algo.side,
        "posSide": algo.pos_side,
        "sz": "" if algo.lots is None else sz_text(algo.lots),
        "closeFraction": "1" if algo.lots is None else "",
        **protection_row(algo.legs),
        "triggerPx": optional_px(algo.trigger_px),
        "triggerPxType": algo.trigger_type if algo.trigger_px is not None else "",
        "ordPx": _order_px(algo.trigger_px, algo.order_px),
        **_trailing_row(algo.trailing),
        "tdMode": algo.td_mode,
        "reduceOnly": "true" if algo.reduce_only else "false",
        "cxlOnClosePos": "true" if algo.legs.cxl_on_close else "false",
        "actualSide": algo.actual_side,
        "actualPx": optional_px(algo.actual_px),
        "actualSz": sz_text(algo.actual_lots),
        "linkedOrd": {"ordId": algo.parent_id},
        "failCode": algo.fail_code,
        "triggerTime": str(algo.triggered_ms) if algo.triggered_ms is not None else "",
        "tag": algo.tag,
        "ccy": SETTLE_CCY,
        "cTime": str(algo.created_ms),
        "uTime": str(algo.updated_ms),
    }
