"""The size, step by step, for people: the same arithmetic as the order's, put into words when somebody asks."""

from __future__ import annotations

from decimal import Context, Decimal
from math import isfinite
from typing import Final

from brain.reasons import WhyNot
from brain.sizing.size import Sizer, SizeRule, limits_of, measure
from schemas.messages import AccountState, EngineState, SizeStep

_SHOWN: Final = Context(prec=12, rounding="ROUND_DOWN")


def steps(
    size: Sizer, engine: EngineState, account: AccountState, price: float, authority: Decimal
) -> tuple[SizeStep, ...]:
    """From the equity to the contracts; empty, where the sizer itself says that something is not known.

    `lot_contracts` is what the sizer answers, if it is not below the last step, `minimum_contracts`. Other values are
    cut to 12 digits.
    """
    limits, rule = limits_of(engine, account), size.rule
    if isinstance(limits, WhyNot) or not (isfinite(price) and price > 0):
        return ()
    sized = measure(limits, price, rule, authority)
    made = [
        _step("equity_usdt", limits.equity, "as state.account says"),
        *_risk(size, rule, limits.equity),
        _step("notional_usdt", sized.notional, _why_notional(rule)),
        _step("authority_pct", _SHOWN.multiply(authority, Decimal(100)), "the brain's own, after refusals"),
        _step("wanted_contracts", sized.wanted, f"notional x authority / ({price} x {limits.contract_value:f})"),
    ]
    if sized.margin is not None:
        text = f"{limits.available:f} USDT available x {rule.margin_use_pct:f} % x leverage {rule.leverage}"
        made.append(_step("margin_contracts", sized.margin, text))
    if sized.engine is not None:
        text = f"the engine's largest order {limits.largest:f}, its authority of {engine.authority_pct:g} % in it"
        made.append(_step("engine_contracts", sized.engine, f"{text}, less {rule.headroom_pct:f} %"))
    made.append(SizeStep(name="lot_contracts", value=sized.contracts, text=f"least of them, on lots of {limits.lot:f}"))
    reached = sized.contracts >= limits.minimum and sized.contracts > 0
    made.append(_step("minimum_contracts", limits.minimum, "reached" if reached else "not reached: no order"))
    return tuple(made)


def _risk(size: Sizer, rule: SizeRule, equity: Decimal) -> list[SizeStep]:
    if not rule.risk_pct:
        return []
    made = [_step("risk_pct", rule.risk_pct, "of the equity")]
    if rule.loss_pct:
        settings = size.settings
        text = f"stop at {settings.sl_pct:g} %, taker fee {settings.taker_fee_pct:g} % at both ends"
        lost = _SHOWN.divide(_SHOWN.multiply(equity, rule.risk_pct), Decimal(100))
        made.append(_step("risk_usdt", lost, "may be lost at the stop"))
        made.append(_step("loss_pct", rule.loss_pct, text))
    return made


def _why_notional(rule: SizeRule) -> str:
    if not rule.risk_pct:
        return "fixed"
    return "risk / loss at the stop" if rule.loss_pct else "equity x risk"


def _step(name: str, value: Decimal, text: str) -> SizeStep:
    return SizeStep(name=name, value=_SHOWN.plus(value), text=text)
