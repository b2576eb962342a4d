"""The one contract that is traded here, and its grid: prices in ticks, sizes in lots, both integers.

Source: OKX GET /public/instruments, BTC-USDT-SWAP (2025/26): tickSz 0.1, lotSz 0.01, ctVal 0.01 BTC.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

INST_ID: Final = "BTC-USDT-SWAP"
INST_TYPE: Final = "SWAP"
INST_FAMILY: Final = "BTC-USDT"
INST_ID_CODE: Final = 10459
SETTLE_CCY: Final = "USDT"

TICK: Final = Decimal("0.1")  # USDT
LOT: Final = Decimal("0.01")  # contracts
CT_VAL: Final = Decimal("0.01")  # BTC per contract
MIN_LOTS: Final = 1
MAX_MARKET_LOTS: Final = 12_000 * 100
MAX_LIMIT_LOTS: Final = 100_000_000 * 100
MAX_LEVER: Final = 100
_MAX_EXPONENT: Final = 12

INSTRUMENT_ROW: Final[dict[str, Any]] = {
    "alias": "",
    "auctionEndTime": "",
    "baseCcy": "",
    "category": "1",
    "contTdSwTime": "",
    "ctMult": "1",
    "ctType": "linear",
    "ctVal": "0.01",
    "ctValCcy": "BTC",
    "expTime": "",
    "futureSettlement": False,
    "instFamily": INST_FAMILY,
    "instId": INST_ID,
    "instIdCode": INST_ID_CODE,
    "instType": INST_TYPE,
    "lever": str(MAX_LEVER),
    "listTime": "1573557408000",
    "lotSz": "0.01",
    "maxIcebergSz": "100000000.0000000000000000",
    "maxLmtAmt": "20000000",
    "maxLmtSz": "100000000",
    "maxMktAmt": "",
    "maxMktSz": "12000",
    "maxPlatOILmt": "",
    "maxStopSz": "12000",
    "maxTriggerSz": "100000000.0000000000000000",
    "maxTwapSz": "100000000.0000000000000000",
    "minSz": "0.01",
    "openType": "",
    "optType": "",
    "posLmtAmt": "",
    "posLmtPct": "",
    "preMktSwTime": "",
    "quoteCcy": "",
    "ruleType": "normal",
    "settleCcy": SETTLE_CCY,
    "state": "live",
    "stk": "",
    "tickSz": "0.1",
    "tradeQuoteCcyList": [],
    "uly": INST_FAMILY,
}


class OffGrid(ValueError):
    """A price or a size that is a number, but not a multiple of the tick or the lot."""


def decimal_of(text: object) -> Decimal:
    """The finite decimal that a JSON string or number states. Raises: ValueError for anything else."""
    if isinstance(text, bool) or not isinstance(text, str | int | float) or text == "":
        raise ValueError(f"not a number: {text!r}")
    try:
        value = Decimal(str(text))
    except InvalidOperation as error:
        raise ValueError(f"not a number: {text!r}") from error
    # The bounds keep what follows within Decimal's precision; nothing that is traded here comes near them.
    if not value.is_finite() or value.adjusted() > _MAX_EXPONENT or value.adjusted() < -_MAX_EXPONENT:
        raise ValueError(f"out of range: {text!r}")
    return value


def _on_grid(value: Decimal, step: Decimal) -> int:
    count = value / step
    whole = count.to_integral_value()
    if count != whole:
        raise OffGrid(f"{value} is not a multiple of {step}")
    return int(whole)


def ticks_of(text: object) -> int:
    """Price in ticks of 0.1 USDT. Raises: ValueError if not a number, OffGrid if between two ticks."""
    return _on_grid(decimal_of(text), TICK)


def lots_of(text: object) -> int:
    """Size in lots of 0.01 contract. Raises: ValueError if not a number, OffGrid if between two lots."""
    return _on_grid(decimal_of(text), LOT)


def px_text(ticks: int) -> str:
    """Ticks as OKX writes a price in books, trades and tickers: USDT, no trailing zero."""
    whole, tenth = divmod(ticks, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)


def px_text_padded(ticks: int) -> str:
    """Ticks as OKX writes a price in candles: USDT, always one decimal."""
    return f"{ticks // 10}.{ticks % 10}"


def sz_text(lots: int) -> str:
    """Lots as OKX writes a size: contracts, no trailing zeros. Negative for a short position."""
    sign = "-" if lots < 0 else ""
    whole, rest = divmod(abs(lots), 100)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest // 10}" if rest % 10 == 0 else f"{sign}{whole}.{rest:02d}"


def notional(lots: int, ticks: int) -> Decimal:
    """Value in USDT of `lots` at `ticks`: one lot is 0.0001 BTC, one tick 0.1 USDT. Exact."""
    return Decimal(lots * ticks).scaleb(-5)
