"""The rules of the gate, one class each."""

from engine.risk.rules.base import Measured, Rule
from engine.risk.rules.liveness import BookValidity, BrainLease, ClockOffset, FeedSilence, PriceAge, TradingStateRule
from engine.risk.rules.loss import DailyLoss, Drawdown, LossCooldown
from engine.risk.rules.pace import MessageRate, RepeatedExecution
from engine.risk.rules.price import FreeMargin, LiquidationDistance, PriceCollar, Slippage
from engine.risk.rules.request import AllowList, DuplicateIntent, Grid, OrderAge, ProtectiveStop, WellFormed
from engine.risk.rules.size import (
    AccountShare,
    Authority,
    GrossExposure,
    Leverage,
    MaxContracts,
    MaxNotional,
    MaxPosition,
)

__all__ = [
    "AccountShare",
    "AllowList",
    "Authority",
    "BookValidity",
    "BrainLease",
    "ClockOffset",
    "DailyLoss",
    "Drawdown",
    "DuplicateIntent",
    "FeedSilence",
    "FreeMargin",
    "Grid",
    "GrossExposure",
    "Leverage",
    "LiquidationDistance",
    "LossCooldown",
    "MaxContracts",
    "MaxNotional",
    "MaxPosition",
    "Measured",
    "MessageRate",
    "OrderAge",
    "PriceAge",
    "PriceCollar",
    "ProtectiveStop",
    "RepeatedExecution",
    "Rule",
    "Slippage",
    "TradingStateRule",
    "WellFormed",
]
