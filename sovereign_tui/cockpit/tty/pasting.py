"""Whether the terminal is in the middle of a paste. Pure: time is handed in.

A parser takes all that follows the beginning of a paste for pasted text, the kill key too. A paste whose end is lost
(a line that broke off, garbage) would swallow every key from then on: it is over when nothing more of it comes.
"""

from __future__ import annotations

from typing import Final

from schemas.clock import NS_PER_S

BEGIN: Final = "\x1b[200~"
END: Final = "\x1b[201~"
SILENCE_NS: Final = NS_PER_S
"""What is pasted comes at once; so long a gap is its end."""


class Pasting:
    """Follows what is typed, however it is cut into pieces."""

    def __init__(self) -> None:
        self.open = False
        self._tail = ""
        self._last_ns = 0

    def saw(self, text: str, now_ns: int) -> None:
        """A piece of it; an empty one is none."""
        if not text:
            return
        whole = self._tail + text
        began, ended = whole.rfind(BEGIN), whole.rfind(END)
        if began != ended:  # neither is in it: as it was
            self.open = began > ended
        self._tail = whole[1 - len(BEGIN) :]
        self._last_ns = now_ns

    def is_lost(self, now_ns: int) -> bool:
        """Whether its end does not come any more."""
        return self.open and now_ns - self._last_ns >= SILENCE_NS
