"""Positions and balance as OKX writes them: strings, "" for what is not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.exchange.account import Account, Position
from engine.exchange.algos import Algo
from engine.exchange.bills import ZERO, money
from engine.exchange.instrument import INST_ID, INST_TYPE, SETTLE_CCY, notional, px_text, sz_text
from engine.exchange.orders import Order
from engine.exchange.render import protection_row


def position_row(
    account: Account, position: Position, algos: list[Algo], mark: int, last: int, now_ms: int, locked: int = 0
) -> dict[str, Any]:
    """A position; a flat one shows pos 0 and no prices, which is how its end is told.

    `locked`: lots that resting orders close already (hedge mode).
    """
    upl = position.upl(mark)
    imr, mmr = account.imr(position, mark), account.mmr(position, mark)
    isolated = position.mode == "isolated"
    fees = account.rules.taker_fee
    btc = Decimal(abs(position.lots)).scaleb(-4)
    average, liquidation = position.avg_px, account.liquidation_px(position)
    open_ = position.lots != 0
    break_even = None
    if average is not None:
        paid = (-position.fee - position.pnl) / btc
        break_even = (average + paid) / (1 - fees) if position.lots > 0 else (average - paid) / (1 + fees)
    upl_last, ratio = position.upl(last), margin_ratio(account, position, mark)
    return {
        "instId": INST_ID,
        "instType": INST_TYPE,
        "mgnMode": position.mode,
        "posId": position.pos_id,
        "posSide": position.side,
        "pos": sz_text(position.shown),
        "availPos": sz_text(position.shown - locked) if open_ else "",
        "avgPx": money(average) if average is not None else "",
        "bePx": money(break_even) if break_even is not None else "",
        "upl": money(upl) if open_ else "",
        "uplRatio": money(upl / (position.cost / account.lever(position.slot))) if open_ else "",
        "uplLastPx": money(upl_last) if open_ else "",
        "uplRatioLastPx": money(upl_last / (position.cost / account.lever(position.slot))) if open_ else "",
        "lever": money(account.lever(position.slot)),
        "liqPx": money(liquidation) if liquidation is not None else "",
        "markPx": px_text(mark),
        "idxPx": px_text(mark),
        "last": px_text(last),
        "imr": "" if isolated or not open_ else money(imr),
        "margin": money(position.margin) if isolated and open_ else "",
        "mgnRatio": money(ratio) if ratio is not None else "",
        "mmr": money(mmr) if open_ else "",
        "notionalUsd": money(notional(abs(position.lots), mark)) if open_ else "",
        "adl": "1" if open_ else "",
        "ccy": SETTLE_CCY,
        "tradeId": position.trade_id,
        "realizedPnl": money(position.pnl + position.fee + position.funding + position.penalty),
        "pnl": money(position.pnl),
        "fee": money(position.fee),
        "fundingFee": money(position.funding),
        "liqPenalty": money(position.penalty),
        "interest": "",
        "closeOrderAlgo": [
            {"algoId": algo.algo_id, "closeFraction": "1" if algo.lots is None else "", **protection_row(algo.legs)}
            for algo in algos
            if open_ and algo.slot == position.slot and (algo.side == "sell") == (position.lots > 0)
        ],
        "cTime": str(position.created_ms),
        "uTime": str(position.updated_ms),
        "pTime": str(now_ms),
    }


def margin_ratio(account: Account, position: Position, mark: int) -> Decimal | None:
    """What stands behind a position, over what it must have; liquidated under 1. None when flat or nothing is due."""
    behind, required = account.behind(position, mark)
    return behind / required if position.lots and required else None


def account_row(account: Account, pending: list[Order], mark: int) -> dict[str, Any]:
    """The balance as account mode 2 shows it: many totals are ""; one currency."""
    cross = [position for position in account.open_positions() if position.mode == "cross"]
    isolated_upl = sum((p.upl(mark) for p in account.open_positions() if p.mode == "isolated"), ZERO)
    equity, available = account.equity(mark), max(Decimal(0), account.available(mark, pending))
    isolated_equity = account.isolated_margin() + isolated_upl
    detail = {
        "accAvgPx": "",
        "availBal": money(available),
        "availEq": money(available),
        "borrowFroz": "",
        "cashBal": money(account.cash()),
        "ccy": SETTLE_CCY,
        "crossLiab": "",
        "disEq": money(equity),
        "eq": money(equity),
        "eqUsd": money(equity),
        "fixedBal": "0",
        "frozenBal": money(equity - available),
        "imr": money(sum((account.imr(position, mark) for position in cross), ZERO)),
        "interest": "",
        "isoEq": money(isolated_equity),
        "isoLiab": "",
        "isoUpl": money(isolated_upl),
        "liab": "",
        "maxLoan": "",
        "mgnRatio": "",
        "mmr": money(sum((account.mmr(position, mark) for position in cross), ZERO)),
        "notionalLever": "0",
        "ordFrozen": money(account.frozen(pending)),
        "uTime": str(account.updated_ms),
        "upl": money(sum((position.upl(mark) for position in cross), isolated_upl)),
        "uplLiab": "",
    }
    return {
        "adjEq": "",
        "availEq": "",
        "borrowFroz": "",
        "details": [detail],
        "imr": "",
        "isoEq": money(isolated_equity),
        "mgnRatio": "",
        "mmr": "",
        "notionalUsd": "",
        "ordFroz": "",
        "totalEq": money(equity),
        "uTime": str(account.updated_ms),
        "upl": "",
    }
