"""Who binds, who connects, and what the topics are called."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "engine"
BRAIN: Final = "brain"
OPS: Final = "ops"
EXCHANGE: Final = "exchange"
COCKPIT: Final = "cockpit"

SIGNAL: Final = "signal"  # 5558, messages.Signal; the vital topic

STATE_ENGINE: Final = "state.engine"  # 5555
STATE_ORDERS: Final = "state.orders"
STATE_POSITIONS: Final = "state.positions"
STATE_ACCOUNT: Final = "state.account"

STATE_DECISION: Final = "state.decision"  # 5558: ops republishes what the brain pushed on 5557
OPS_SYSTEM: Final = "ops.system"
OPS_LOG: Final = "ops.log"
OPS_METRICS: Final = "ops.metrics"
OPS_RECEIPT: Final = "ops.receipt"
OPS_ALERT: Final = "ops.alert"
OPS_AUDIT: Final = "ops.audit"
OPS_HEATMAP: Final = "ops.heatmap"  # this and the next two as state.decision
OPS_FLOW: Final = "ops.flow"
OPS_STRUCTURE: Final = "ops.structure"

HEALING: Final = ("tick.", "view.tick.")
"""Topics whose next message makes up for a lost one: nobody asks for the last value again."""


def tick(instrument: str) -> str:
    """Topic of messages.MarketTick."""
    return f"tick.{instrument}"


def shown_tick(instrument: str) -> str:
    """Topic of messages.MarketTick for screens: the newest of `tick`, at most 20 a second."""
    return f"view.tick.{instrument}"


def trade(instrument: str) -> str:
    """Topic of messages.Trade."""
    return f"tick.trade.{instrument}"


def trades(instrument: str) -> str:
    """Topic of messages.TradeHistory: the latest trades, for newcomers and for who missed some."""
    return f"trades.{instrument}"


def candle(frame: str, instrument: str) -> str:
    """Topic of messages.Candle of one time frame."""
    return f"candle.{frame}.{instrument}"


def history(frame: str, instrument: str) -> str:
    """Topic of messages.CandleHistory: the confirmed candles so far, whole."""
    return f"history.{frame}.{instrument}"
