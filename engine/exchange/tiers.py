"""Position tiers: the larger a position, the more margin it must keep and the less leverage it may have. Pure.

Source: FACTS 7 (GET public/position-tiers). OKX's present BTC table is unconfirmed, so it is a setting (`tiers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.exchange.instrument import INST_FAMILY, sz_text


@dataclass(frozen=True, slots=True)
class Tier:
    """Up to `max_lots` (lots of 0.01 contract): maintenance and initial rate of the notional, highest leverage."""

    max_lots: int
    mmr: Decimal
    imr: Decimal
    max_lever: Decimal


def _tier(contracts: int, mmr: str, lever: int) -> Tier:
    return Tier(contracts * 100, Decimal(mmr), (1 / Decimal(lever)).quantize(Decimal("0.0001")), Decimal(lever))


DEFAULT_TIERS: Final = (
    _tier(1_500, "0.004", 100),
    _tier(5_000, "0.005", 75),
    _tier(12_000, "0.0075", 50),
    _tier(30_000, "0.01", 33),
    _tier(60_000, "0.015", 25),
    _tier(120_000, "0.03", 12),
    _tier(300_000, "0.06", 5),
)


def tier_of(tiers: Sequence[Tier], lots: int) -> Tier:
    """The tier that a position of so many lots is in; beyond the table the last one holds."""
    return next((tier for tier in tiers if lots <= tier.max_lots), tiers[-1])


def largest(tiers: Sequence[Tier], lever: Decimal) -> int:
    """The most lots that may be held at a leverage; 0 if no tier allows it at all."""
    return max((tier.max_lots for tier in tiers if lever <= tier.max_lever), default=0)


def next_below(tiers: Sequence[Tier], lots: int) -> int:
    """The most lots that the tier below the one of so many lots may hold; 0 if there is none below."""
    return max((tier.max_lots for tier in tiers if tier.max_lots < lots), default=0)


def tier_rows(tiers: Sequence[Tier]) -> list[dict[str, Any]]:
    """The table as OKX shows it; sizes in contracts."""
    rows, least = [], 0
    for number, tier in enumerate(tiers, 1):
        rows.append(
            {
                "baseMaxLoan": "",
                "imr": format(tier.imr, "f"),
                "instFamily": INST_FAMILY,
                "instId": "",
                "maxLever": format(tier.max_lever, "f"),
                "maxSz": sz_text(tier.max_lots),
                "minSz": sz_text(least),
                "mmr": format(tier.mmr, "f"),
                "optMgnFactor": "",
                "quoteMaxLoan": "",
                "tier": str(number),
                "uly": INST_FAMILY,
            }
        )
        least = tier.max_lots + 1
    return rows
