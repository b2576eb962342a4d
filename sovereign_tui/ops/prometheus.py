"""All numbers for Prometheus, as its text format on a port of loopback; off unless `ops.prometheus_port` is set.

Answered in threads of their own, from the newest snapshot: ops' loop only puts that in place, and waits for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.registry import Collector

from schemas.clock import NS_PER_S
from schemas.messages import Alert, Cause, ProcessView, TradingState
from schemas.process import StartError
from sovereign_tui.ops.latencies import QUANTILES, SHOWN, SINCE_START, Quantiles
from sovereign_tui.ops.supervisor import ALIVE

HOST: Final = "127.0.0.1"
UNKNOWN: Final = "UNKNOWN"
_STATES: Final = (*(state.value for state in TradingState), UNKNOWN)
_US_PER_S: Final = 1_000_000
_MS_PER_S: Final = 1_000
_NOT_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is true now."""

    state: str = UNKNOWN
    causes: tuple[Cause, ...] = ()
    halt_id: str | None = None
    alerts: tuple[Alert, ...] = ()
    processes: tuple[ProcessView, ...] = ()
    metrics: Mapping[str, float]
    legs: Mapping[str, Mapping[str, Quantiles | None]]


class Exporter(Collector):
    """Serves what was shown last."""

    def __init__(self) -> None:
        self._newest = Snapshot(metrics={}, legs={})
        self._halts = 0
        self._serving: tuple[WSGIServer, Thread] | None = None

    def show(self, snapshot: Snapshot) -> None:
        """What is served from now on."""
        self._halts += snapshot.halt_id is not None and snapshot.halt_id != self._newest.halt_id
        self._newest = snapshot

    def open(self, port: int) -> None:
        """Binds the port. Raises: StartError, with the mend."""
        registry = CollectorRegistry()
        registry.register(self)
        try:
            self._serving = start_http_server(port, HOST, registry)
        except OSError as error:
            raise StartError(
                f"ops.prometheus_port = {port}: {error.strerror or error}; set it to a free port, or to 0 for none"
            ) from None

    @property
    def port(self) -> int:
        """The bound port; 0: none."""
        return self._serving[0].server_port if self._serving is not None else 0

    def close(self) -> None:
        """Idempotent."""
        if self._serving is not None:
            server, thread = self._serving
            self._serving = None
            server.shutdown()
            server.server_close()
            thread.join()

    def collect(self) -> Iterator[Metric]:
        """The families of the newest snapshot; called in a server's thread."""
        newest = self._newest
        yield from _trading(newest)
        yield CounterMetricFamily("sovereign_halts", "Halts seen standing since ops began", value=float(self._halts))
        yield from _processes(newest.processes)
        yield _legs(newest.legs)
        yield from _metrics(newest)


def _trading(newest: Snapshot) -> Iterator[Metric]:
    state = GaugeMetricFamily("sovereign_trading_state", "1 for the state that is so", labels=["state"])
    for name in _STATES:
        state.add_metric([name], float(name == newest.state))
    yield state
    cause = GaugeMetricFamily(
        "sovereign_cause_since_seconds", "Unix time since which a cause stands", labels=["cause", "forces"]
    )
    for each in newest.causes:
        cause.add_metric([each.name, each.forces], each.since_ns / NS_PER_S)
    yield cause
    yield GaugeMetricFamily("sovereign_halt_standing", "1 while a halt stands", value=float(newest.halt_id is not None))
    alert = GaugeMetricFamily("sovereign_alerts", "Alerts that stand", labels=["kind"])
    for kind in sorted({each.kind for each in newest.alerts}):
        alert.add_metric([kind], float(sum(each.kind == kind for each in newest.alerts)))
    yield alert


def _processes(processes: tuple[ProcessView, ...]) -> Iterator[Metric]:
    label = ["process"]
    up = GaugeMetricFamily("sovereign_process_up", "1 while there is a process", labels=[*label, "state"])
    restarts = CounterMetricFamily("sovereign_process_restarts", "Restarts since ops began", labels=label)
    for each in processes:
        up.add_metric([each.name, each.state], float(each.state in ALIVE))
        restarts.add_metric([each.name], each.restarts)
    yield up
    yield restarts
    for name, meaning, field, unit in (
        ("cpu_ratio", "Share of one core", "cpu_pct", 100),
        ("resident_memory_bytes", "Resident memory", "memory_mb", 1 / 2**20),
        ("open_fds", "Open descriptors", "open_files", 1),
        ("max_fds", "Descriptors that it may have", "open_files_limit", 1),
        ("heartbeat_age_seconds", "Since its last heartbeat", "heartbeat_age_ms", _MS_PER_S),
        ("loop_lag_p99_seconds", "How late its loop wakes, 10 s", "loop_lag_p99_ms", _MS_PER_S),
        ("loop_lag_max_seconds", "How late its loop woke at worst, 10 s", "loop_lag_max_ms", _MS_PER_S),
    ):
        family = GaugeMetricFamily(f"sovereign_process_{name}", meaning, labels=label)
        for each in processes:
            value = getattr(each, field)
            if value is not None:  # what is not known is not there, rather than zero
                family.add_metric([each.name], value / unit)
        yield family


def _legs(legs: Mapping[str, Mapping[str, Quantiles | None]]) -> Metric:
    name = "sovereign_leg_seconds"
    family = Metric(name, "What each leg takes: quantiles of 60 s, count and sum since its process began", "summary")
    for leg, spans in sorted(legs.items()):
        recent, all_of_it = spans[SHOWN], spans[SINCE_START]
        for what, rank in QUANTILES.items():
            if recent is not None:
                labels = {"leg": leg, "quantile": f"{rank / 100:g}"}
                family.add_sample(name, labels, getattr(recent, what) / _US_PER_S)
        if all_of_it is not None:
            family.add_sample(f"{name}_count", {"leg": leg}, all_of_it.count)
            family.add_sample(f"{name}_sum", {"leg": leg}, all_of_it.sum_us / _US_PER_S)
    return family


def _metrics(newest: Snapshot) -> Iterator[Metric]:
    """Every other number under its own name. Of two names that become the same only the first is told."""
    said: set[str] = set()
    quantiles = tuple(f"{leg}_" for leg in newest.legs)
    for name, value in sorted(newest.metrics.items()):
        plain = f"sovereign_{_NOT_A_NAME.sub('_', name)}"
        if plain in said or (name.endswith("_us") and name.startswith(quantiles)):
            continue
        said.add(plain)
        yield UnknownMetricFamily(plain, name, value=value)
