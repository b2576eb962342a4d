"""How many contracts: by notional or by what the stop costs, on the lot, never above what engine and margin allow."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from functools import lru_cache
from math import isfinite
from typing import Final, NamedTuple

from brain.reasons import Reason, WhyNot
from schemas.messages import AccountState, EngineState
from schemas.settings.sizing import Sizing

_CONTEXT: Final = Context(prec=50)
"""Its own, so that no other code's context changes a digit; 50, so that no quotient over a lot is too long."""
_NOTHING: Final = Decimal(0)


class SizeLimits(NamedTuple):
    """What the engine says: lot, minimum and largest order in contracts; base currency a contract; equity and
    available balance in quote. `largest` has the engine's authority in it already. None: no such limit is known.
    """

    equity: Decimal
    contract_value: Decimal
    lot: Decimal
    minimum: Decimal
    largest: Decimal | None
    available: Decimal | None = None


class SizeRule(NamedTuple):
    """What the settings say. Percents; `loss_pct` is lost of the notional at the stop, fees included, 0: the risk is
    the notional itself; `leverage` in times, None: the margin is not looked at. `headroom_pct` stays free below the
    engine's largest order: its word is up to seconds old, and by a price that moved since, as much would violate it.
    """

    risk_pct: Decimal
    fixed_notional: Decimal
    loss_pct: Decimal = _NOTHING
    leverage: int | None = None
    margin_use_pct: Decimal = Decimal(100)
    headroom_pct: Decimal = _NOTHING

    @classmethod
    def of(cls, settings: Sizing, leverage: int | None) -> SizeRule:
        """The rule of the settings."""
        return cls(
            risk_pct=_decimal(settings.risk_pct_per_trade),
            fixed_notional=settings.fixed_notional_usdt,
            loss_pct=loss_at_stop_pct(settings.sl_pct, settings.taker_fee_pct)
            if settings.size_by == "stop"
            else _NOTHING,
            leverage=leverage,
            margin_use_pct=_decimal(settings.margin_use_pct),
            headroom_pct=_decimal(settings.headroom_pct),
        )


class Sized(NamedTuple):
    """The way from the account to contracts: USDT, then contracts. None: not known, or not asked for."""

    notional: Decimal
    wanted: Decimal
    margin: Decimal | None
    engine: Decimal | None
    contracts: Decimal


def loss_at_stop_pct(sl_pct: float, fee_pct: float) -> Decimal:
    """What is lost when the stop is hit, percent of the notional: the way to it, and the fee at both ends.

    The fee of the exit is taken at the dearer end, above the entry by the way to the stop: right for a short, a hair
    too careful for a long. Slippage is not in it.
    """
    with localcontext(_CONTEXT):
        stop, fee = _decimal(sl_pct), _decimal(fee_pct)
        return stop + fee * 2 + fee * stop / 100


def measure(limits: SizeLimits, price: float, rule: SizeRule, authority: Decimal = Decimal(1)) -> Sized:
    """Contracts of an entry at `price`, and how they came about.

    Args:    price, quote currency, finite and above 0; authority, share in (0, 1] that is left after refusals.
    Source:  SPEC.md 7, layer 4: contracts = notional / (price x contract value), rounded down to the lot.
    """
    with localcontext(_CONTEXT):
        notional = rule.fixed_notional
        if rule.risk_pct:
            notional = limits.equity * rule.risk_pct / (rule.loss_pct or 100)
        worth = Decimal(str(price)) * limits.contract_value
        contracts = wanted = notional * authority / worth
        margin = engine = None
        if rule.leverage is not None and limits.available is not None:
            margin = max(_NOTHING, limits.available) * rule.margin_use_pct / 100 * rule.leverage / worth
            contracts = min(contracts, margin)
        if limits.largest is not None:
            engine = limits.largest * (100 - rule.headroom_pct) / 100
            contracts = min(contracts, engine)
        return Sized(notional, wanted, margin, engine, contracts // limits.lot * limits.lot)


def enough(sized: Sized, limits: SizeLimits) -> Decimal | WhyNot:
    """The contracts; why not, where they are under the minimum."""
    if sized.contracts >= limits.minimum and sized.contracts > 0:
        return sized.contracts
    parts = [f"by risk {sized.wanted:.4f}"]
    if sized.engine is not None:
        parts.append(f"the engine allows {sized.engine:.4f}")
    if sized.margin is not None:
        parts.append(f"the margin {sized.margin:.4f}")
    text = f"{sized.contracts:f} contracts, the minimum is {limits.minimum:f} ({', '.join(parts)})"
    return WhyNot(Reason.UNDER_MINIMUM, text)


def limits_of(engine: EngineState, account: AccountState) -> SizeLimits | WhyNot:
    """What the engine last said, where all of it is there and makes sense. A limit that is not known is no freedom."""
    known = (account.equity, engine.contract_value, engine.lot, engine.minimum, engine.max_order_contracts)
    if account.equity is None or engine.lot is None or engine.minimum is None or engine.contract_value is None:
        return WhyNot(Reason.STATE_UNKNOWN, "equity or terms of the instrument are not known")
    if engine.max_order_contracts is None:
        return WhyNot(Reason.STATE_UNKNOWN, "the largest order that the engine allows is not known")
    finite = all(value is not None and value.is_finite() for value in known)
    if not finite or engine.lot <= 0 or engine.contract_value <= 0:
        return WhyNot(Reason.STATE_UNKNOWN, f"equity or terms make no sense: {', '.join(map(str, known))}")
    available = account.available if account.available is None or account.available.is_finite() else _NOTHING
    return SizeLimits(
        equity=account.equity, contract_value=engine.contract_value, lot=engine.lot, minimum=engine.minimum,
        largest=engine.max_order_contracts, available=available,
    )  # fmt: skip


class Sizer:
    """Sizes entries as the settings say, within what the engine allows. `leverage`: the venue's, times.

    The last answer is kept while nothing that it follows from has changed: the touch stands for many ticks, and
    decimals are the dearest part of a decision. The engine's words are compared by identity: each is a new object.
    """

    __slots__ = ("_account", "_authority", "_engine", "_kept", "_limits", "_price", "rule", "settings")

    def __init__(self, settings: Sizing, leverage: int | None = None) -> None:
        self.settings = settings
        self.rule = SizeRule.of(settings, leverage)
        self._engine: EngineState | None = None
        self._account: AccountState | None = None
        self._price = 0.0
        self._authority = _NOTHING
        self._limits: SizeLimits | WhyNot = WhyNot(Reason.STATE_UNKNOWN, "nothing was heard yet")
        self._kept: Decimal | WhyNot = self._limits

    def __call__(
        self, engine: EngineState, account: AccountState, price: float, authority: Decimal
    ) -> Decimal | WhyNot:
        """Contracts to enter with at `price` (quote currency), or why none."""
        if engine is not self._engine or account is not self._account:
            self._engine, self._account = engine, account
            self._limits = limits_of(engine, account)
        elif price == self._price and authority is self._authority:
            return self._kept
        self._price, self._authority = price, authority
        self._kept = self._fresh(self._limits, price, authority)
        return self._kept

    def _fresh(self, limits: SizeLimits | WhyNot, price: float, authority: Decimal) -> Decimal | WhyNot:
        if isinstance(limits, WhyNot):
            return limits
        if not (isfinite(price) and price > 0):
            return WhyNot(Reason.STATE_UNKNOWN, f"a price of {price} sizes nothing")
        return enough(measure(limits, price, self.rule, authority), limits)


@lru_cache(maxsize=64)
def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
