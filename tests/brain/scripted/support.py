"""A market that is about to be traded, and what the mind says of it."""

from __future__ import annotations

from typing import Final

from schemas.clock import NS_PER_S
from schemas.messages import FRAME_NS
from tests.brain.scripted.market import Market, settings_of

S: Final = NS_PER_S
M5: Final = FRAME_NS["5m"]
QUICK: Final = {"cooldown_s": 0, "reject_pause_ms": 0, "loss_cooldown_s": 0, "losses_in_a_row": 0}
"""Nothing waits for its time."""


def quick() -> Market:
    """A market of which the mind knows everything, and which would be traded at the next step."""
    market = Market(settings_of(sizing=QUICK))
    market.reachable = False
    assert market.step().why_not == "ENGINE_UNREACHABLE"
    market.reachable = True
    return market


def said(market: Market, seconds: float = 1.0) -> tuple[str, str]:
    """The first no of the next step, and its text."""
    decision = market.step(seconds)
    assert (decision.why_not == "") == (decision.contracts is not None)
    return decision.why_not, decision.why_not_text
