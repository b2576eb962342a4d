"""How an order reaches the venue: over the private websocket while it stands, else over REST.

The websocket saves a connection's round trip and the HTTP around it. Its answer comes by the request's id; when the
link goes down first, or says nothing in time, it is not known what happened, as everywhere. What only the websocket
refuses (its form, its instrument code) is sent over REST, and from then on everything is.
Source: FACTS.md 11 ("WebSocket order entry"): instIdCode instead of instId, the same codes and limits as REST; the demo
venue has refused published instrument codes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from engine.venue.answers import Unexplained, VenueRefused, VenueUnknown, unwrap
from engine.venue.rest import Rest
from schemas.clock import NS_PER_MS, Clock

_CALL: Final = "ws/order"
_PUSH_STARTS: Final = b'{"arg"'
_FORM: Final = frozenset({"60011", "60012", "60013", "60018", "51000", "51001", "50014", "64001"})
"""Refusals of the form: nothing was done, and REST names the instrument in its own way."""


class OrderEntry(Protocol):
    """Takes one order to the venue."""

    async def place(self, order: dict[str, Any], *, expires_ms: int) -> str:
        """The venue's id of it. Raises: VenueRefused, VenueUnknown."""
        ...


class _Head(msgspec.Struct, gc=False):
    id: str = ""
    op: str = ""


_head = msgspec.json.Decoder(_Head)


class WebsocketEntry:
    """Orders over the private link, REST beside it.

    `send` returns False when the link is down; while `halted` nothing is sent a second way. `code` is the venue's
    number of the instrument; None: not known yet.
    """

    def __init__(
        self,
        *,
        rest: Rest,
        send: Callable[[dict[str, object]], bool],
        clock: Clock,
        timeout_ms: int,
        log: Callable[[str, str], None],
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._rest, self._send, self._clock, self._log, self._halted = rest, send, clock, log, halted
        self._timeout_s = timeout_ms / 1_000
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        """By request; None when the connection went away."""
        self._number = 0
        self._refused = ""
        self.code: int | None = None

    async def place(self, order: dict[str, Any], *, expires_ms: int) -> str:
        """See OrderEntry."""
        if self.code is None or self._refused:
            return await self._rest.place(order, expires_ms=expires_ms)
        self._number += 1
        request_id, began_ns = f"o{self._number}", self._clock.monotonic_ns()
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        body = {"instIdCode": self.code, **{name: value for name, value in order.items() if name != "instId"}}
        message: dict[str, object] = {
            "id": request_id, "op": "order", "args": [body],
            "expTime": str((self._clock.wall_ns() + self._rest.skew_ns) // NS_PER_MS + expires_ms),
        }  # fmt: skip
        try:
            if not self._send(message):
                return await self._rest.place(order, expires_ms=expires_ms)
            async with asyncio.timeout(self._timeout_s):
                raw = await answer
        except TimeoutError:
            raise VenueUnknown(_CALL, "", "no answer (time-out)") from None
        finally:
            del self._waiting[request_id]
        if raw is None:
            raise VenueUnknown(_CALL, "", "the connection was lost before the answer")
        try:
            return self._read(raw)
        except VenueRefused as error:
            if error.code not in _FORM:
                raise
            self._refused = str(error)
            self._log("warning", f"orders over the websocket are refused ({error}); REST is used from here on")
            if self._halted():  # meanwhile: the venue has nothing of it, and gets nothing of it
                raise
            left_ms = expires_ms - (self._clock.monotonic_ns() - began_ns) // NS_PER_MS
            return await self._rest.place(order, expires_ms=max(1, left_ms))

    def _read(self, raw: bytes) -> str:
        try:
            rows = unwrap(_CALL, 200, raw)
            order_id = str(rows[0].get("ordId") or "") if rows and isinstance(rows[0], dict) else ""
            if not order_id:
                raise Unexplained("an accepted order without an id")
        except Unexplained as error:
            raise self._rest.unexplained(_CALL, str(error), raw) from None
        return order_id

    def on_frame(self, payload: bytes) -> bool:
        """One frame of the private link; True: it answered one of our requests."""
        if not self._waiting or payload.startswith(_PUSH_STARTS):
            return False
        try:
            head = _head.decode(payload)
        except msgspec.DecodeError:
            return False
        answer = self._waiting.get(head.id)
        if answer is None or head.op != "order":
            return False
        if not answer.done():
            answer.set_result(payload)
        return True

    def on_link(self, up: bool) -> None:
        """The private link came or went: what was asked on the old one is never answered."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)
