"""What the exchange can be told at its start, and what it says when it is told nonsense."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

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
    """Rates and margins that OKX sets per account or tier.

    Fees are fractions of the notional. `mmr` is the maintenance rate of the first tier (unconfirmed, FACTS 8).
    `price_band` is the allowed distance from the mark. `caa_cancels_algos`: FACTS 9 leaves it open; off by default.
    """

    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    mmr: Decimal = Decimal("0.004")
    price_band: Decimal = Decimal("0.02")
    default_lever: Decimal = Decimal(3)
    caa_cancels_algos: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run. `speed` multiplies a recording's time, None is as fast as possible; balance in USDT.

    `follow`: websocket of OKX's public side to follow; `follow_rest`: where its past is asked for.
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
