"""Amounts that nobody can mean: a decimal of the wire may be 1E+999999, and reckoning with it raises. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.codec import Malformed
from schemas.messages import AccountState, EngineState, OrdersState, PositionsState

_DIGITS: Final = 20
"""Before and after the point: far beyond all the money there is, and far within what sizing reckons with."""


def screened(name: str, state: EngineState | OrdersState | PositionsState | AccountState) -> None:
    """Looks at what the brain reckons with. `name`: of the state, for the error. Raises: codec.Malformed."""
    if isinstance(state, EngineState):
        amounts = {
            "max_order_contracts": state.max_order_contracts, "lot": state.lot, "minimum": state.minimum,
            "contract_value": state.contract_value,
        }  # fmt: skip
    elif isinstance(state, AccountState):
        amounts = {
            "equity": state.equity, "available": state.available, "realised_today": state.realised_today,
            "fees_today": state.fees_today,
        }  # fmt: skip
    elif isinstance(state, PositionsState):
        for position in state.positions:
            _check(name, {"contracts": position.contracts, "unrealised": position.unrealised})
        return
    else:
        return
    _check(name, amounts)


def _check(name: str, amounts: dict[str, Decimal | None]) -> None:
    for field, value in amounts.items():
        if value is not None and not (value.is_finite() and -_DIGITS <= value.adjusted() <= _DIGITS):
            raise Malformed(f"state.{name}", f"{field}: {value} is no amount")
