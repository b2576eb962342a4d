"""What must be alive and fresh: the trading state, the brain, the feed, the book, the clock, the price decided on."""

from __future__ import annotations

from engine.risk.rules.base import Limit, Measured, MillisecondLimit
from engine.risk.view import Refusal, RiskView, reduces
from schemas.clock import NS_PER_S
from schemas.messages import OrderRequest, RejectCode, TradingState


class TradingStateRule(Limit):
    """Refuses everything while HALTED, and what adds risk while REDUCING. Source: SPEC.md 6."""

    name = "trading_state"
    code = RejectCode.TRADING_STATE
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if view.trading_state is TradingState.ACTIVE:
            return None
        if view.trading_state is TradingState.REDUCING and reduces(order, view):
            return None
        return self.no(self.measure(order, view), f"because of {view.causes}")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The trading state."""
        return Measured(view.trading_state.value, TradingState.ACTIVE.value)


class BrainLease(Limit):
    """Refuses new risk while the brain's heartbeat is overdue: nobody watches what it decided. Source: SPEC.md 6."""

    name = "brain_lease"
    code = RejectCode.BRAIN_SILENT

    def __init__(self, limit_s: float) -> None:
        self._limit_ns = int(limit_s * NS_PER_S)
        self._limit = f"{limit_s:g} s"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        age_ns = view.brain_age_ns
        if age_ns is not None and age_ns <= self._limit_ns:
            return None
        return self.no(self.measure(order, view), "no heartbeat of the brain within the limit")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Age of the last heartbeat."""
        age_ns = view.brain_age_ns
        return Measured(None if age_ns is None else f"{age_ns / NS_PER_S:.1f} s", self._limit)


class FeedSilence(MillisecondLimit):
    """Refuses new risk while no frame of the venue came in for `limit_ms`. Source: SPEC.md 5."""

    name = "feed_silence"
    code = RejectCode.FEED_SILENT

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        age_ns = view.feed_age_ns
        if age_ns is not None and age_ns <= self._limit_ns:
            return None
        return self.no(self.measure(order, view), "the feed is silent")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Age of the last frame."""
        return self._measured(view.feed_age_ns, 0)


class BookValidity(Limit):
    """Refuses new risk on a book that is crossed, empty, or whose chain broke. Source: FACTS.md 4, SPEC.md 5."""

    name = "book_validity"
    code = RejectCode.BOOK_INVALID

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if view.book_valid and view.price is not None:
            return None
        return self.no(self.measure(order, view), "wait for the next snapshot")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Whether the book can be traded on."""
        valid = view.book_valid and view.price is not None
        return Measured("valid" if valid else "invalid", "an unbroken, uncrossed book")


class ClockOffset(MillisecondLimit):
    """Refuses new risk while the venue's clock differs from ours by more than `limit_ms`: expTime would lie.

    Source: SPEC.md 5; FACTS.md 9 (expTime), MiFID II RTS 25.
    """

    name = "clock_offset"
    code = RejectCode.CLOCK_SKEW

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        offset_ns = view.clock_offset_ns
        if offset_ns is not None and abs(offset_ns) <= self._limit_ns:
            return None
        return self.no(self.measure(order, view), "our clock and the venue's differ; mend the clock of this machine")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The venue's clock less ours."""
        return self._measured(view.clock_offset_ns, 0)


class PriceAge(MillisecondLimit):
    """Refuses an order decided on a price more than `limit_ms` older than the current one. Source: SPEC.md 5."""

    name = "price_age"
    code = RejectCode.TTL_EXPIRED
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        age_ns = view.price_age_ns
        if age_ns is not None and age_ns <= self._limit_ns:
            return None
        unknown = age_ns is None
        text = "decided on a tick that is unknown here" if unknown else "decided on a price that is too old"
        return self.no(self.measure(order, view), text)

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """How much older the price decided on is than the current one."""
        return self._measured(view.price_age_ns, 1)
