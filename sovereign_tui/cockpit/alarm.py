"""What rings: a HALT that stays unconfirmed, and an alert that is new. Once each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from schemas.clock import NS_PER_S
from schemas.messages import Alert
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.panes import banner

_FIRST_NS: Final = 3 * NS_PER_S
"""What is told in the first moments stood before this screen was opened: it is shown, and rings once."""


MOST_TOASTS: Final = 3
_TOASTS_NS: Final = 5 * NS_PER_S
"""So many in so long a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new with this frame."""

    alerts: tuple[Alert, ...]
    rings: bool

    @staticmethod
    def severity(alert: Alert) -> Literal["warning", "error"]:
        """As toasts have it."""
        return "error" if alert.level == "error" else "warning"


class Alarm:
    """Remembers what has rung."""

    def __init__(self) -> None:
        self._kill: int | None = None
        self._known: set[tuple[str, int]] = set()
        self._told_ns: deque[int] = deque()

    def news(self, paint: Paint) -> News:
        """What has not rung yet."""
        kill = paint.view.kill
        unconfirmed = kill is not None and kill.number != self._kill and banner.is_unconfirmed(paint)
        if unconfirmed and kill is not None:
            self._kill = kill.number
        new = tuple(alert for alert in paint.view.standing if (alert.kind, alert.since_ns) not in self._known)
        known = self._known | {(alert.kind, alert.since_ns) for alert in new}
        self._known = known & paint.view.alerts.keys()
        old = paint.now_ns - paint.started_ns < _FIRST_NS
        return News(alerts=() if old else self._few(new, paint.now_ns), rings=unconfirmed or bool(new))

    def _few(self, new: tuple[Alert, ...], now_ns: int) -> tuple[Alert, ...]:
        """As many as may be told now: a flood of toasts would hide the screen, and all of them stand on it anyway."""
        while self._told_ns and now_ns - self._told_ns[0] >= _TOASTS_NS:
            self._told_ns.popleft()
        few = new[: MOST_TOASTS - len(self._told_ns)]
        self._told_ns.extend(now_ns for _ in few)
        return few
