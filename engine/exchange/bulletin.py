"""What the venue announces: the state of its contract, and maintenance windows. Only changes are told.

Source: FACTS 4 (channels instruments and status), 7 (instrument states). Who changes them is outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from engine.exchange.instrument import INSTRUMENT_ROW
from engine.exchange.intake import Refused
from engine.exchange.notes import BulletinNote, Note

InstrumentState = Literal["live", "suspend", "rebase", "post_only", "preopen", "test", "settling"]
StatusState = Literal["scheduled", "ongoing", "pre_open", "completed", "canceled"]
STATUS_STATES: Final = frozenset({"scheduled", "ongoing", "pre_open", "completed", "canceled"})


class Bulletin:
    """The present announcements."""

    def __init__(self, tell: Callable[[Note], None]) -> None:
        self._tell = tell
        self.instrument: dict[str, Any] = dict(INSTRUMENT_ROW)
        self._windows: dict[str, dict[str, str]] = {}

    def set_state(self, state: InstrumentState) -> None:
        """The contract's state from now on; told if it is another one."""
        if state != self.instrument["state"]:
            self.instrument = {**self.instrument, "state": state}
            self._tell(BulletinNote("instruments", self.instrument))

    def check_open(self, ord_type: str) -> None:
        """Raises: Refused 51022 if the contract takes no new orders, or none of this type."""
        state = self.instrument["state"]
        if state != "live" and not (state == "post_only" and ord_type == "post_only"):
            raise Refused("51022", f"Contract suspended (state {state}).")

    def announce(self, title: str, begin_ms: int, end_ms: int, state: StatusState, now_ms: int) -> None:
        """A maintenance window, known by its title: new, or in another state."""
        row = {
            "begin": str(begin_ms),
            "end": str(end_ms),
            "env": "1",
            "href": "",
            "maintType": "1",
            "preOpenBegin": "",
            "scheDesc": "",
            "serviceType": "5",
            "state": state,
            "system": "unified",
            "title": title,
        }
        before = self._windows.get(title)
        if before is None or {**before, "ts": ""} != {**row, "ts": ""}:
            self._windows[title] = {**row, "ts": str(now_ms)}
            self._tell(BulletinNote("status", self._windows[title]))

    def windows(self, state: str = "") -> list[dict[str, str]]:
        """Announced windows, newest first; without a state those that are not over."""
        wanted = {state} if state else {"scheduled", "ongoing", "pre_open"}
        return [row for row in reversed(self._windows.values()) if row["state"] in wanted]
