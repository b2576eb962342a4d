"""The sockets of ops: telemetry comes in on 5557, signals and what cockpits need go out on 5558.

What a signal means in time. The publisher sends the last message of a topic to whoever subscribes late. So that
nobody takes an old command for a new one:

- Heartbeats are the resting last value: RESUME, FLATTEN, CONFIG_UPDATE, REARM, REHEARSE and SHUTDOWN are followed by an
  OPS_HEARTBEAT at once, so that a late joiner gets the heartbeat. A HALT is repeated until it is answered: a late
  joiner shall get it. Once it is answered, the next heartbeat replaces it.
- A process ignores every signal but SYSTEM_HALT and OPS_HEARTBEAT whose `timestamp_ns` is older than its own start,
  and acts once on an id: repetitions of the same id are answered again and do nothing more.
- SYSTEM_HALT is obeyed at any age, since that is the safe side. Ops ends all repetition of a HALT before it publishes
  the RESUME of it, and the order of one topic is kept, so that an old HALT cannot follow its RESUME.
- SHUTDOWN names one process in `target` and announces a SIGTERM; "" says that ops itself goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas import codec
from schemas.channels import ChannelError, EndpointTaken, Publisher, Puller, Wire
from schemas.clock import NS_PER_MS, Clock
from schemas.haltfile import new_id
from schemas.messages import (
    Alert,
    AuditTrail,
    Decision,
    Flow,
    Heatmap,
    LogLine,
    Metrics,
    Receipt,
    Signal,
    SignalKind,
    Structure,
    SystemState,
)
from schemas.process import StartError
from schemas.settings import Settings
from schemas.topology import (
    OPS,
    OPS_ALERT,
    OPS_AUDIT,
    OPS_FLOW,
    OPS_HEATMAP,
    OPS_LOG,
    OPS_METRICS,
    OPS_RECEIPT,
    OPS_STRUCTURE,
    OPS_SYSTEM,
    SIGNAL,
    STATE_DECISION,
)
from sovereign_tui.ops.telemetry import Intake

_STAYS: Final = frozenset({SignalKind.SYSTEM_HALT, SignalKind.OPS_HEARTBEAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The two sockets, bound."""

    puller: Puller
    publisher: Publisher


class Hub:
    """Publishes signals and views. `intake` takes the telemetry; `last_heartbeat_ns` is monotonic."""

    def __init__(self, *, wire: Wire, settings: Settings, clock: Clock, intake: Intake) -> None:
        """Binds both sockets. Raises: StartError, naming the port and the mend."""
        self._wire = wire
        self._clock = clock
        self.intake = intake
        self._sequence = 0
        self.last_heartbeat_ns: int | None = None
        ports = _bind(wire, settings, intake)
        self._puller, self._publisher = ports.puller, ports.publisher

    @property
    def endpoints(self) -> tuple[str, str]:
        """Where telemetry and signals are really bound."""
        return self._puller.endpoint, self._publisher.endpoint

    @property
    def refused_peers(self) -> int:
        """Attempts to connect to our sockets without the right key."""
        return self._wire.refused_peers

    def signal(
        self,
        kind: SignalKind,
        *,
        issuer: str,
        reason: str,
        target: str = "",
        id_: str | None = None,
        changes: Mapping[str, str] | None = None,
        mono_ns: int = 0,
    ) -> str:
        """Publishes one signal and returns its id; see the module for what follows it."""
        message = self._stamped(kind, id_ or new_id(), issuer, reason, target, changes, mono_ns)
        self._publisher.publish(SIGNAL, codec.encode_signal(message), message.timestamp_ns)
        if kind not in _STAYS:
            self.heartbeat()
        return message.id

    def heartbeat(self) -> None:
        """The pulse of ops."""
        message = self._stamped(SignalKind.OPS_HEARTBEAT, f"hb{self._sequence + 1}", OPS, "", "")
        self._publisher.publish(SIGNAL, codec.encode_signal(message), message.timestamp_ns)
        self.last_heartbeat_ns = self._clock.monotonic_ns()

    def heartbeat_age_ms(self) -> float | None:
        """Since our own last heartbeat; None before the first."""
        if self.last_heartbeat_ns is None:
            return None
        return (self._clock.monotonic_ns() - self.last_heartbeat_ns) / NS_PER_MS

    def decision(self, value: Decision) -> None:
        """What the brain thought."""
        self._publisher.publish(STATE_DECISION, codec.encode_decision(value))

    def heatmap(self, value: Heatmap) -> None:
        """What rests in the book, by price and time."""
        self._publisher.publish(OPS_HEATMAP, codec.encode_heatmap(value))

    def flow(self, value: Flow) -> None:
        """Who takes from it."""
        self._publisher.publish(OPS_FLOW, codec.encode_flow(value))

    def structure(self, value: Structure) -> None:
        """What the candles say."""
        self._publisher.publish(OPS_STRUCTURE, codec.encode_structure(value))

    def system(self, value: SystemState) -> None:
        """How the processes are."""
        self._publisher.publish(OPS_SYSTEM, codec.encode_system(value))

    def log(self, value: LogLine) -> None:
        """One line of anybody's log."""
        self._publisher.publish(OPS_LOG, codec.encode_log(value))

    def metrics(self, values: dict[str, float]) -> None:
        """The latest metrics of all."""
        message = Metrics(timestamp_ns=self._clock.wall_ns(), values=values)
        self._publisher.publish(OPS_METRICS, codec.encode_metrics(message))

    def receipt(self, value: Receipt) -> None:
        """How far a HALT has come."""
        self._publisher.publish(OPS_RECEIPT, codec.encode_receipt(value))

    def alert(self, value: Alert) -> None:
        """What a person has to look at, or need not any more."""
        self._publisher.publish(OPS_ALERT, codec.encode_alert(value))

    def audit(self, value: AuditTrail) -> None:
        """What operators did."""
        self._publisher.publish(OPS_AUDIT, codec.encode_audit(value))

    def _stamped(
        self, kind: SignalKind, id_: str, issuer: str, reason: str, target: str,
        changes: Mapping[str, str] | None = None, mono_ns: int = 0,
    ) -> Signal:  # fmt: skip
        self._sequence += 1
        return Signal(
            kind=kind, id=id_, issuer=issuer, reason=reason, target=target,
            timestamp_ns=self._clock.wall_ns(), sequence=self._sequence, changes=dict(changes or {}),
            mono_ns=mono_ns,
        )  # fmt: skip


def _bind(wire: Wire, settings: Settings, intake: Intake) -> Ports:
    endpoint, setting = settings.wire.telemetry, "telemetry"
    try:
        puller = wire.puller(endpoint, intake.take, vital=True, name="telemetry")
        endpoint, setting = settings.wire.signal, "signal"
        return Ports(puller=puller, publisher=wire.publisher(endpoint, vital=True, name="signal"))
    except EndpointTaken:
        port = re.search(r":(\d+)$", endpoint)
        what = f"port {port[1]} ({endpoint})" if port else endpoint
        raise StartError(
            f"{what} of the {setting} channel is taken by another process; stop that one (another Sovereign? "
            f"`sovereign down` with its SOVEREIGN_HOME), or set wire.{setting}_port to a free port"
        ) from None
    except ChannelError as error:
        raise StartError(f"{setting} channel: {error}") from None
