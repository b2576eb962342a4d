"""How patient ops is with each process: the one table of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from schemas.clock import NS_PER_MS
from schemas.settings import Settings
from schemas.topology import BRAIN, ENGINE, EXCHANGE
from sovereign_tui.ops.supervisor import Policy

_BEATS: Final = 3
"""So many heartbeats may be missed, however seldom they are."""


def policies(settings: Settings) -> Mapping[str, Policy]:
    """Name of a process -> its policy."""
    common = Policy.of(settings)
    return {
        EXCHANGE: common,
        ENGINE: common,
        BRAIN: _beats_every(common, settings.brain.heartbeat_ms),
    }


def _beats_every(policy: Policy, interval_ms: int) -> Policy:
    """The same for a process whose heartbeats may be set to be rarer than the hang timeout."""
    if not policy.hang_timeout_ns:
        return policy
    return replace(policy, hang_timeout_ns=max(policy.hang_timeout_ns, _BEATS * interval_ms * NS_PER_MS))
