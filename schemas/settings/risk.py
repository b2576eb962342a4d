"""The limits of the gate. Each field knows which way is tighter, so that a running system can tell a tightening apart.

Sources of the kinds of limit: SPEC.md 5 and 7; SEC 15c3-5 (c)(1); MiFID II RTS 6, articles 12 and 15; FIA "Best
Practices for Automated Trading Risk Controls" (2024), sections on maximum order size, price tolerance, message and
repeated-execution throttles.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Tighter = Literal["lower", "higher", "subset", "true", "never"]
_TIGHTER: Final = "tighter"


class Section(BaseModel):
    """A table of the file: unknown keys are refused, values never coerced silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, coerce_numbers_to_str=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_is_a_yes(cls, value: Any, info: ValidationInfo) -> Any:
        """`true` where a number belongs would be 1."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation is not bool:
            raise ValueError("neither true nor false can stand here")
        return value


def _limit(default: Any, tighter: Tighter, description: str, **bounds: Any) -> Any:
    return Field(default, description=description, json_schema_extra={_TIGHTER: tighter}, **bounds)


class Risk(Section):
    """Limits of the gate. A missing limit refuses."""

    instruments: tuple[str, ...] = _limit(("BTC-USDT-SWAP",), "subset", "What may be traded")
    max_account_share_pct: float = _limit(
        10.0, "lower", "Largest notional of one order, percent of equity", ge=0, le=100
    )
    max_order_contracts: Decimal = _limit(Decimal(100), "lower", "Largest order, contracts", ge=0)
    max_order_notional_usdt: Decimal = _limit(Decimal(50_000), "lower", "Largest notional of one order, USDT", ge=0)
    max_position_contracts: Decimal = _limit(
        Decimal(200), "lower", "Largest position, working orders counted, contracts", ge=0
    )
    max_gross_exposure_usdt: Decimal = _limit(
        Decimal(150_000), "lower", "Largest worth of positions and working orders together, USDT", ge=0
    )
    max_leverage: float = _limit(3.0, "lower", "Largest gross exposure, times equity", ge=0, le=125)
    min_free_margin_pct: float = _limit(
        10.0, "higher", "Share of equity that stays free after an order, percent", ge=0, le=100
    )
    min_liquidation_distance_pct: float = _limit(
        5.0, "higher", "Least distance of the liquidation price from the mark, percent", ge=0, le=100
    )
    collar_pct: float = _limit(1.0, "lower", "Farthest price from mid and mark, percent", ge=0, le=50)
    max_slippage_bps: float = _limit(
        10.0, "lower", "Largest expected slippage against the depth, basis points", ge=0, le=5_000
    )
    price_ttl_ms: float = _limit(100.0, "lower", "Largest age of the price decided on, ms", gt=0, le=60_000)
    order_age_ms: float = _limit(
        1_000.0, "lower", "Largest time between the making of an order and the gate, ms", gt=0, le=60_000
    )
    feed_silence_ms: float = _limit(2_000.0, "lower", "Longest silence of the feed, ms", gt=0, le=600_000)
    max_clock_offset_ms: float = _limit(
        1_000.0, "lower", "Largest difference between our clock and the venue's, ms", gt=0, le=30_000
    )
    max_daily_loss_pct: float = _limit(
        3.0, "lower", "Largest loss of a day (realised, unrealised, fees), percent of its opening equity", ge=0, le=100
    )
    day_starts_utc_hour: int = _limit(0, "never", "Hour at which the day begins, UTC", ge=0, le=23)
    max_drawdown_pct: float = _limit(
        10.0, "lower", "Largest fall of equity from its peak, percent; past it only a re-arm helps", ge=0, le=100
    )
    max_consecutive_losses: int = _limit(4, "lower", "Losing trades in a row that bring a cooldown", ge=1, le=1_000)
    loss_cooldown_s: float = _limit(900.0, "higher", "Cooldown after them, s", ge=0, le=604_800)
    max_orders_per_s: int = _limit(5, "lower", "Orders in one second", ge=0, le=500)
    max_executions: int = _limit(
        40, "lower", "Orders sent within executions_window_s; then only a re-arm helps", ge=0, le=100_000
    )
    executions_window_s: float = _limit(600.0, "higher", "Window of max_executions, s", gt=0, le=86_400)
    require_stop: bool = _limit(True, "true", "An order that adds risk must bring a stop-loss")
    order_ttl_ms: int = _limit(2_000, "lower", "The venue drops an order older than this, ms", ge=100, le=60_000)
    authority_recovery_s: float = _limit(
        300.0, "higher", "Clean time after which a cut authority doubles, s", gt=0, le=86_400
    )


def changed(before: Risk, changes: Mapping[str, Any]) -> Risk:
    """The limits with `changes` (field -> value). Raises: pydantic.ValidationError."""
    return Risk.model_validate({**before.model_dump(), **changes})


def loosened(before: Risk, after: Risk) -> list[str]:
    """The fields in which `after` allows more than `before`, in the order of the table."""
    return [name for name in Risk.model_fields if _looser(name, getattr(before, name), getattr(after, name))]


def _looser(name: str, old: Any, new: Any) -> bool:
    extra = Risk.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    if old == new:
        return False
    match extra[_TIGHTER]:
        case "lower":
            return bool(new > old)
        case "higher":
            return bool(new < old)
        case "subset":
            return not set(new) <= set(old)
        case "true":
            return not new
    return True  # what cannot be ordered is confirmed by the operator
