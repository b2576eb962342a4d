"""REST as a client meets it: the answer, late or bent by an armed fault, or none. No socket; `sleep` is injected.

What bends the answer never bends the work: a call is either handed to `Rest.handle` as it came, or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from engine.exchange.faults import answers
from engine.exchange.faults.order_line import OUTCOMES
from engine.exchange.faults.switchboard import Fault
from engine.exchange.hub import Hub
from engine.exchange.rest import Response, Rest

_LOOK_UP: Final = ("GET", "trade/order")


class Door:
    """The way from a request to its answer. `latency_ms` delays the answers to orders, faults or not."""

    def __init__(
        self, rest: Rest, hub: Hub, *, latency_ms: int = 0, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._rest = rest
        self._hub = hub
        self._faults = hub.exchange.faults
        self._latency_ms = latency_ms
        self._sleep = sleep
        self._hidden: dict[str, int] = {}
        self._clears = 0

    async def request(self, method: str, raw_target: str, headers: Mapping[str, str], body: str) -> Response | None:
        """As `Rest.handle`. None: the connection is to be dropped without an answer."""
        call = self._rest.call_of(method, raw_target)
        if call is None:
            return self._rest.handle(method, raw_target, headers, body)

        def struck(name: str) -> Fault | None:
            return self._faults.strikes(name, lambda fault: fault.strikes_call(method, call))

        slow = struck("slow_answer")
        outcome = next((fault for name in OUTCOMES if (fault := struck(name)) is not None), None)
        response = self._answer(outcome, method, raw_target, headers, body)
        if outcome is None and response is not None and (method, call) == _LOOK_UP:
            response = self._look_up(response)
        delay_ms = 0 if slow is None else slow.delay_ms
        if outcome is not None and outcome.name == "fill_before_ack":
            delay_ms += outcome.delay_ms
        if response is not None and response.trading:
            delay_ms += self._latency_ms
        if delay_ms:
            await self._sleep(delay_ms / 1000)
        return response

    def _answer(
        self, fault: Fault | None, method: str, raw_target: str, headers: Mapping[str, str], body: str
    ) -> Response | None:
        name = "" if fault is None else fault.name
        match name:
            case "rate_limited":
                return answers.rate_limited()
            case "unavailable":
                return answers.unavailable()
            case "disconnect_mid_order":
                self._hub.lines.drop_private()  # first: what the call causes is pushed to nobody
        response = None
        if fault is None or fault.executed is not False:
            response = self._rest.handle(method, raw_target, headers, body)
        match name:
            case "endpoint_timeout":
                return answers.endpoint_timeout()
            case "order_timeout":
                return answers.order_timeout(body, self._hub.exchange.now_ms())
            case "unexplained_answer":
                return answers.unexplained(self._faults.choose(answers.UNEXPLAINED))
            case "ack_lost" | "disconnect_mid_order":
                return None
        return response

    def _look_up(self, response: Response) -> Response:
        """not_found: an order that was found once is not lost again."""
        found = answers.found_order(response)
        if found is None:
            return response
        ord_id, born_ms = found
        if self._clears != self._faults.clears("not_found"):
            self._clears = self._faults.clears("not_found")
            self._hidden = dict.fromkeys(self._hidden, 0)
        if ord_id not in self._hidden:
            age_ms = self._hub.exchange.now_ms() - born_ms
            fault = self._faults.strikes("not_found", lambda fault: age_ms <= fault.within_ms)
            self._hidden[ord_id] = 0 if fault is None else fault.lookups
        if self._hidden[ord_id] == 0:
            return response
        self._hidden[ord_id] -= 1
        return answers.not_found()
