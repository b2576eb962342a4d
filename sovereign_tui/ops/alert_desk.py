"""Alerts between what ops knows and who is told: the screens on ops.alert, and the operator's command and URL."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from schemas.clock import NS_PER_S, Clock
from schemas.messages import Alert
from schemas.printable import printable
from schemas.settings import Settings
from schemas.topology import ENGINE
from sovereign_tui.ops.alarms import Alarms, Facts
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.notify import Notifier
from sovereign_tui.ops.supervisor import State
from sovereign_tui.ops.watch import EngineView

BRAIN_DEAD: Final = "brain_dead"
RECONCILING: Final = "reconciling"


class AlertDesk:
    """Looks at each turn. `metric(process, pid, name)`: what that very process said last."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        children: Mapping[str, Child],
        engine: Callable[[], EngineView],
        halt_id: Callable[[], str | None],
        metric: Callable[[str, int, str], float | None],
        publish: Callable[[Alert], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._clock = clock
        self._children = children
        self._engine = engine
        self._halt_id = halt_id
        self._metric = metric
        self._publish = publish
        self._patience_ns = round(settings.ops.start_timeout_s * NS_PER_S)
        self._alarms = Alarms(settings.alerts.repeat_s)
        self._notifier = Notifier(settings.alerts, log)
        self._log = log
        self._brain_was_alive_under = 0
        self._was_reconciled = 0

    @property
    def counters(self) -> Mapping[str, int]:
        """What became of the alerts that were to be told."""
        return self._notifier.counters

    def workers(self) -> list[Coroutine[Any, Any, None]]:
        """To be run beside, until cancelled."""
        return self._notifier.workers()

    def standing(self) -> tuple[Alert, ...]:
        """What stands now."""
        return self._alarms.standing()

    def turn(self) -> None:
        """Tell what is new or over; the screens get all that stands, so that a late one knows it too."""
        told = self._alarms.look(self._facts(), wall_ns=self._clock.wall_ns(), mono_ns=self._clock.monotonic_ns())
        for alert in told:
            self._notifier.tell(alert)
        for alert in (*(each for each in told if not each.active), *self._alarms.standing()):
            self._publish(alert)

    def acknowledge(self, kind: str, since_ns: int, issuer: str) -> tuple[bool, str]:
        """Somebody has seen the alert, or all that stand where `kind` is ""; everybody is told at once."""
        seen = self._alarms.acknowledge(kind, since_ns, printable(issuer))
        for alert in seen:
            self._publish(alert)
        if not seen:
            return False, f"no alert {kind or 'at all'} stands; nothing to acknowledge"
        text = ", ".join(f"{alert.kind} (by {alert.acknowledged_by})" for alert in seen)
        self._log("info", f"alerts acknowledged: {text}")
        return True, f"acknowledged: {text}"

    def _facts(self) -> Facts:
        pid = self._children[ENGINE].pid
        state = self._engine().state
        causes = state.causes if state is not None else None
        dead = next((cause for cause in causes or () if cause.name == BRAIN_DEAD), None)
        if causes is not None and dead is None:
            self._brain_was_alive_under = pid
        if causes is not None and not any(cause.name == RECONCILING for cause in causes):
            self._was_reconciled = pid
        young = dead is not None and self._clock.wall_ns() - dead.since_ns < self._patience_ns
        return Facts(
            halt_id=self._halt_id(),
            causes=causes,
            starting=young and self._brain_was_alive_under != pid,
            reconciling=self._was_reconciled != pid,
            loss_pct=self._metric(ENGINE, pid, "daily_loss_pct"),
            loss_limit_pct=self._metric(ENGINE, pid, "daily_loss_limit_pct"),
            fatal={name: each.life.reason for name, each in self._children.items() if each.state is State.FATAL},
        )
