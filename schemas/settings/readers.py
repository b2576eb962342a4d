"""Which process reads which settings: all of them at its start; only the engine takes limits while it runs."""

from __future__ import annotations

from typing import Final

from schemas.topology import BRAIN, ENGINE, OPS

AT_NEXT_START: Final = "takes it at its next start"
NOT_ITS_OWN: Final = "not its own"

READS: Final[dict[str, frozenset[str]]] = {
    ENGINE: frozenset({"venue", "wire", "risk", "safety", "blackbox", "brain.frames", "brain.history_bars"}),
    BRAIN: frozenset(
        {
            "venue", "wire", "brain", "price_action", "order_flow", "filters", "model", "sizing", "snapshots",
            "blackbox", "risk.day_starts_utc_hour",
        }
    ),
    OPS: frozenset(
        {
            "venue", "wire", "exchange", "risk", "ops", "blackbox", "alerts", "safety.halt_deadline_s",
            "brain.book_levels", "brain.heartbeat_ms",
        }
    ),
}  # fmt: skip
"""Sections, and single keys of sections that are another's. The screens read [cockpit]."""

SECRET: Final = frozenset({"alerts.url", "alerts.command"})
"""They may hold a token: not to be sent around, nor to be said."""


def when(process: str, key: str) -> str:
    """When a running process takes another value of `key` (dotted), if nobody does more for it."""
    reads = READS[process]
    return AT_NEXT_START if key in reads or key.partition(".")[0] in reads else NOT_ITS_OWN
