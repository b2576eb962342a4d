"""Layer 4: how much, and when not. The engine's own limits (schemas.settings.risk) stand above all of these."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.settings.risk import Section

Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Sizing(Section):
    """Layer 4."""

    risk_pct_per_trade: Percent = Field(
        0.5, description="Percent of equity that a trade's notional is, or that is lost at its stop; 0: fixed_notional"
    )
    fixed_notional_usdt: Decimal = Field(Decimal(500), gt=0, description="Notional when risk_pct_per_trade is 0, USDT")
    size_by: Literal["notional", "stop"] = Field(
        "notional", description="What risk_pct_per_trade is of a trade: its notional, or its loss at the stop"
    )
    taker_fee_pct: float = Field(
        0.05, ge=0, le=5, description="Fee of a taker, percent of notional; paid twice in a loss at the stop"
    )
    margin_use_pct: float = Field(
        80.0, gt=0, le=100, description="Share of the available balance that the margin of an entry may take, percent"
    )
    headroom_pct: float = Field(
        0.5, ge=0, lt=100, description="Kept below the engine's largest order, for prices that move meanwhile, percent"
    )
    tp_pct: float = Field(0.6, gt=0, le=100, description="Take-profit, percent from the entry")
    sl_pct: float = Field(0.4, gt=0, le=100, description="Stop-loss, percent from the entry")
    cooldown_s: Seconds = Field(60.0, description="Shortest time between two entries, s")
    reject_pause_ms: float = Field(5_000.0, ge=0, le=3_600_000, description="Pause after a refused order, ms")
    max_daily_loss_pct: Percent = Field(
        2.5,
        description="Loss of a day, percent of its opening equity, that ends its entries; 0: only the engine's limit",
    )
    max_trades_per_day: int = Field(0, ge=0, le=100_000, description="Most entries of a day; 0: no limit")
    loss_cooldown_s: Seconds = Field(120.0, description="No entry for so long after a losing trade, s; 0: none")
    losses_in_a_row: int = Field(3, ge=0, le=1_000, description="Losing trades in a row that bring a pause; 0: none")
    losses_pause_s: float = Field(900.0, ge=0, le=604_800, description="Pause after them, s")

    @model_validator(mode="after")
    def _pauses_pause(self) -> Sizing:
        if self.losses_in_a_row and not self.losses_pause_s:
            raise ValueError(
                f"losses_in_a_row: {self.losses_in_a_row} losses would bring a pause of losses_pause_s = 0; "
                "give it a length, or set losses_in_a_row = 0"
            )
        return self
