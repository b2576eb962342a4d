"""How fast: one entry at a time, as the day allows, pauses after refusals and entries, less size after a violation."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from brain.reasons import Reason, WhyNot
from brain.sizing.day import DayBook
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import RejectCode
from schemas.settings.sizing import Sizing

_SMALLEST: Final = Decimal(1) / 64


class Pace:
    """Remembers the last entry and the last refusal. Times are monotonic ns.

    `day`: the book of days, which hears of every entry and has its say; None: nothing of the day is looked at.
    """

    __slots__ = (
        "_cooldown_ns",
        "_entry_ns",
        "_pause_ns",
        "_reject_code",
        "_reject_ns",
        "_waiting_since_ns",
        "authority",
        "day",
        "unknown",
    )

    def __init__(self, settings: Sizing, day: DayBook | None = None) -> None:
        self.day = day
        self._cooldown_ns = int(settings.cooldown_s * NS_PER_S)
        self._pause_ns = int(settings.reject_pause_ms * NS_PER_MS)
        self._entry_ns: int | None = None
        self._reject_ns: int | None = None
        self._reject_code = ""
        self._waiting_since_ns: int | None = None
        self.unknown = ""
        self.authority = Decimal(1)

    def sent(self, now_ns: int) -> None:
        """An order went out."""
        self._waiting_since_ns = now_ns
        if self.day is not None:
            self.day.sending()

    def acked(self, now_ns: int) -> None:
        """It was taken: the cooldown begins, and some of the size comes back."""
        self._waiting_since_ns, self._entry_ns = None, now_ns
        self.authority = min(Decimal(1), self.authority * 2)
        if self.day is not None:
            self.day.entered()

    def rejected(self, code: RejectCode, now_ns: int) -> None:
        """It was refused. A violation halves the size of the next one."""
        self._waiting_since_ns, self._reject_ns, self._reject_code = None, now_ns, code.value
        if code is RejectCode.RISK_VIOLATION:
            self.authority = max(_SMALLEST, self.authority / 2)
        if self.day is not None:
            self.day.refused()

    def lost(self, intent_id: str) -> None:
        """No answer: nobody knows whether it trades, so it counts as a trade. The engine's next word decides."""
        self._waiting_since_ns, self.unknown = None, intent_id
        if self.day is not None:
            self.day.entered()

    def settled(self, now_ns: int) -> None:
        """The engine has said how things stand after an unknown outcome."""
        self.unknown, self._entry_ns = "", now_ns

    @property
    def entry_ns(self) -> int:
        """When the last entry was taken; 0 before the first."""
        return self._entry_ns or 0

    def why_not(self, now_ns: int) -> WhyNot | None:
        """The first reason against an entry now."""
        if self._waiting_since_ns is not None:
            waited_ms = (now_ns - self._waiting_since_ns) / NS_PER_MS
            return WhyNot(Reason.WAITING_FOR_REPLY, f"for {waited_ms:.0f} ms")
        if self.unknown:
            return WhyNot(Reason.OUTCOME_UNKNOWN, f"of {self.unknown}; waiting for state.orders")
        if self.day is not None and (why_not := self.day.why_not(now_ns)):
            return why_not
        if self._reject_ns is not None and now_ns - self._reject_ns < self._pause_ns:
            left_s = (self._pause_ns - now_ns + self._reject_ns) / NS_PER_S
            return WhyNot(Reason.REJECT_PAUSE, f"{left_s:.0f} s left after {self._reject_code}")
        entry_ns = self._entry_ns
        if entry_ns is None and self.day is not None:
            entry_ns = self.day.earlier_entry_ns
        if entry_ns is not None and now_ns - entry_ns < self._cooldown_ns:
            left_s = (self._cooldown_ns - now_ns + entry_ns) / NS_PER_S
            return WhyNot(Reason.COOLDOWN, f"{left_s:.0f} s left")
        return None
