"""What the exchange can be told at its start, and what it says when it is told nonsense."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from engine.exchange.tiers import DEFAULT_TIERS, Tier

DEFAULT_SEED = 256  # chosen: an up trend, several clear buy signals in the first minute, 5-9 bps a minute


class ConfigError(ValueError):
    """A setting that cannot work: which field, what it was, how to mend it."""

    def __init__(self, field: str, value: object, mend: str) -> None:
        super().__init__(f"{field}: {value!r} cannot be used; {mend}")
        self.field = field
        self.value = value
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The one API key that this exchange knows.

    `simulated`: a key for demo trading (True) or for production (False), which is refused without or with the header
    `x-simulated-trading: 1`; None: the header says nothing.
    """

    api_key: str
    secret: str
    passphrase: str
    simulated: bool | None = None

    def __repr__(self) -> str:
        return "Credentials(...)"  # secrets never reach a log


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What OKX sets per account or contract, and what is not known of OKX: each such doubt is a switch here.

    Rates are fractions of the notional. Every field can be given as `--rule name=value`; what the values mean stands
    in `rule_options`. The defaults are what FACTS leans to.
    """

    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    fee_digits: int | None = None
    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    liquidation: Literal["tiers", "whole"] = "tiers"
    price_band: Decimal = Decimal("0.02")
    default_lever: Decimal = Decimal(3)
    funding_rates: tuple[Decimal, ...] = (Decimal("0.0001"),)
    funding_hours: int = 8
    isolated_funding: Literal["margin", "cash"] = "margin"
    attached_born: Literal["ended", "filled", "first_fill"] = "ended"
    caa_cancels_algos: bool = False
    caa_trigger_unit: Literal["ms", "s"] = "ms"
    amend_px_keeps_place: bool = False
    amend_up_keeps_place: bool = False
    amend_down_keeps_place: bool = True
    off_tick: Literal["refuse", "round"] = "refuse"
    pos_id_days: int = 30
    books_snapshot: bool = True
    trades_seq: Literal["own", "book"] = "own"
    trades_all_login: bool = False
    final_candle: Literal["before", "after"] = "before"
    idle_candles: bool = True
    history_candles_rows: Literal[100, 300] = 100
    funding_rate_calls: Literal[10, 20] = 20
    price_limit_calls: int = 20
    too_many_status: Literal[429, 200] = 429
    channel_connections: int = 30
    connections_per_s: int = 0
    vip: int = 0
    tbt_vip: Literal[4, 5] = 4
    environment: Literal["any", "live", "demo"] = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run. `speed` multiplies a recording's time, None is as fast as possible; balance in USDT.

    `follow`: websocket of OKX's public side to follow; `follow_rest`: where its past is asked for.
    `blackbox`: directory of the record; what is beyond `blackbox_keep_gb` (GiB) is deleted, oldest first.
    """

    credentials: Credentials
    port: int = 0
    seed: int = DEFAULT_SEED
    recordings: tuple[Path, ...] = ()
    follow: str = ""
    follow_rest: str = ""
    speed: float | None = 1.0
    balance: Decimal = Decimal(100_000)
    latency_ms: int = 0
    frames_per_s: int = 0
    parent_pid: int | None = None
    rules: Rules = Rules()
    faults: Path | None = None
    blackbox: Path | None = None
    blackbox_keep_gb: Decimal = Decimal(20)
