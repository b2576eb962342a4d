"""What the engine says, in short."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from schemas.messages import AccountState, EngineState, PositionsState, PositionView, TradingState

S = 1_000_000_000
DAY = 86_400 * S

ENGINE = EngineState(
    timestamp_ns=1, state=TradingState.ACTIVE, causes=(), venue="sim", instrument="X", halt_id=None,
    authority_pct=100.0, brain_age_ms=1.0, ops_age_ms=1.0, feed_age_ms=1.0, last_tick_sequence=7,
    max_order_contracts=Decimal("15.62"), lot=Decimal("0.01"), minimum=Decimal("0.01"),
    contract_value=Decimal("0.01"), counters={},
)  # fmt: skip


def engine(**changes: object) -> EngineState:
    return msgspec.structs.replace(ENGINE, **changes)


def account(
    at_ns: int = 1, *, equity: str | None = "100000", available: str | None = None, realised: str | None = "0",
    fees: str | None = "0",
) -> AccountState:  # fmt: skip
    def money(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return AccountState(
        timestamp_ns=at_ns, currency="USDT", equity=money(equity), available=money(available),
        realised_today=money(realised), fees_today=money(fees),
    )  # fmt: skip


def positions(at_ns: int = 1, contracts: str = "0", unrealised: str | None = "0") -> PositionsState:
    if not Decimal(contracts):
        return PositionsState(timestamp_ns=at_ns, positions=())
    view = PositionView(
        instrument="X", contracts=Decimal(contracts), average_price=None, mark_price=None,
        unrealised=None if unrealised is None else Decimal(unrealised), liquidation_price=None, tp_price=None,
        sl_price=None, leverage=None, margin=None, updated_ns=at_ns,
    )  # fmt: skip
    return PositionsState(timestamp_ns=at_ns, positions=(view,))
