"""What was said to the venue and what it answered, for the record: bodies and private frames, never what signs them.

No header is ever handed over (keys, signature, passphrase), nor anything of a websocket before its login was accepted:
a venue that refuses a login may quote it. Public data is not kept here, the engine's own ticks are.
"""

from __future__ import annotations

from typing import Final

from schemas.blackbox import Direction, NullTap, Tap

CHANNEL: Final = "venue"
_PUBLIC: Final = ("/api/v5/public/", "/api/v5/market/")
_MONEY_STARTS: Final = b'{"arg":{"channel":"account"'


class Witness:
    """Records, as channel "venue", REST (topic: method and path) and one private websocket (topic: ws/ and its name).

    Commands and the news of orders and positions are vital; what is asked for again and again is not.
    """

    __slots__ = ("_record",)

    def __init__(self, tap: Tap) -> None:
        self._record = None if isinstance(tap, NullTap) else tap.record

    def asked(self, method: str, target: str, body: bytes) -> None:
        """A REST request is about to be sent."""
        if self._record is not None and not target.startswith(_PUBLIC):
            path, _, query = target.partition("?")
            vital = method == "POST"
            self._record(Direction.SENT, CHANNEL, f"{method} {path}", body or query.encode(), vital=vital)

    def answered(self, method: str, target: str, status: int, body: bytes) -> None:
        """Its answer; a status that is not 200 stands behind the path."""
        if self._record is not None and not target.startswith(_PUBLIC):
            topic = f"{method} {target.partition('?')[0]}" + ("" if status == 200 else f" {status}")
            self._record(Direction.RECEIVED, CHANNEL, topic, body, vital=method == "POST")

    def unanswered(self, method: str, target: str, problem: str) -> None:
        """There was none: nobody knows what happened."""
        if self._record is not None and not target.startswith(_PUBLIC):
            topic, vital = f"{method} {target.partition('?')[0]}", method == "POST"
            self._record(Direction.NOTE, CHANNEL, topic, f"no answer ({problem})".encode(), vital=vital)

    def sent(self, link: str, frame: bytes) -> None:
        """A websocket frame of ours, after it was sent."""
        if self._record is not None:
            self._record(Direction.SENT, CHANNEL, f"ws/{link}", frame, vital=True)

    def received(self, link: str, frame: bytes) -> None:
        """A websocket frame of the venue, before it is acted on."""
        if self._record is not None:
            vital = not frame.startswith(_MONEY_STARTS)
            self._record(Direction.RECEIVED, CHANNEL, f"ws/{link}", frame, vital=vital)


NOBODY: Final = Witness(NullTap())
"""Records nothing."""
