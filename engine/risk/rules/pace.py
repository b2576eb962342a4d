"""How often: orders a second, and the throttle on repeated execution that only the operator lifts."""

from __future__ import annotations

from engine.risk.rules.base import Limit, Measured
from engine.risk.view import Refusal, RiskView
from schemas.messages import OrderRequest, RejectCode


class MessageRate(Limit):
    """Refuses more than `limit` orders within a second. Source: MiFID II RTS 6 article 15 (1)(d)."""

    name = "message_rate"
    code = RejectCode.RATE_LIMIT

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if view.traffic.last_second < self._limit:
            return None
        return self.no(self.measure(order, view), "too many orders in one second")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Orders of the last second, this one not among them."""
        return Measured(f"{view.traffic.last_second} in 1 s", f"{self._limit} in 1 s")


class RepeatedExecution(Limit):
    """Refuses new risk once `limit` orders were sent within the window, until the operator re-arms.

    A strategy that runs away does so order by order, each of them small. Source: MiFID II RTS 6 article 15 (1)(c),
    "repeated automated execution throttles"; (3): re-enabled by a designated person.
    """

    name = "repeated_execution"
    code = RejectCode.THROTTLED

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._text = f"{limit} in {window_s:g} s"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        traffic = view.traffic
        if not traffic.latched and traffic.in_window < self._limit:
            return None
        text = f"{traffic.latched or 'too many executions'}; `sovereign rearm` lifts it"
        return self.no(self.measure(order, view), text)

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Orders within the window, this one not among them."""
        return Measured(f"{view.traffic.in_window} in the window", self._text)
