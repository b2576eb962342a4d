"""What a person has to look at: raised once, told again now and then while it stands, and said to be over. Pure.

What is not known changes nothing: an engine that is silent has neither a halt lifted nor a stop placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.clock import NS_PER_S
from schemas.messages import Alert, Cause

HALT: Final = "halt"
BRAIN_DEATH: Final = "brain_death"
UNPROTECTED: Final = "unprotected_position"
LOSS_80: Final = "loss_80"
PROCESS_FATAL: Final = "process_fatal"
STALE_FEED: Final = "stale_feed"

_BY_CAUSE: Final = {"brain_dead": BRAIN_DEATH, "unprotected": UNPROTECTED}
_FEED_CAUSES: Final = frozenset({"feed_stale", "book_invalid", "venue_down"})
_FEED_PATIENCE_NS: Final = 3 * NS_PER_S
"""A feed that stutters is the engine's business, one that stays away a person's."""
_LEVELS: Final = {HALT: "warning", LOSS_80: "warning"}
_LOSS_ON_PCT: Final = 80
_LOSS_OFF_PCT: Final = 75
"""Below that it is over: a loss that swings around 80 % is told once."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What ops knows now.

    `causes`: the engine's; None: it is not known. `loss_pct`, `loss_limit_pct`: percent of the day's opening equity.
    `fatal`: name of a process that was given up -> why. `starting`: the brain has not been alive yet under this
    engine, and may still take its time. `reconciling`: this engine has not yet learnt once how the venue stands.
    """

    halt_id: str | None
    causes: tuple[Cause, ...] | None
    starting: bool = False
    reconciling: bool = False
    loss_pct: float | None = None
    loss_limit_pct: float | None = None
    fatal: Mapping[str, str]


class Alarms:
    """The alerts that stand."""

    def __init__(self, repeat_s: float) -> None:
        self._repeat_ns = round(repeat_s * NS_PER_S)
        self._standing: dict[_Key, Alert] = {}
        self._told_ns: dict[_Key, int] = {}
        self._feed: frozenset[tuple[str, int]] = frozenset()
        self._feed_bad_ns = 0

    def standing(self) -> tuple[Alert, ...]:
        """In the order in which they were raised."""
        return tuple(self._standing.values())

    def look(self, facts: Facts, *, wall_ns: int, mono_ns: int) -> list[Alert]:
        """What has to be told now: what is new, what is over, and what has stood for another `repeat_s`."""
        found, unknown = self._found(facts)
        self._look_at_feed(facts, mono_ns, found, unknown)
        told: list[Alert] = []
        for key, alert in list(self._standing.items()):
            if key not in found and key[0] not in unknown:
                del self._standing[key], self._told_ns[key]
                told.append(msgspec.structs.replace(alert, active=False, text=f"over: {alert.text}"))
            elif self._repeat_ns and mono_ns - self._told_ns[key] >= self._repeat_ns:
                self._told_ns[key] = mono_ns
                told.append(alert)
        for key, text in found.items():
            if key not in self._standing:
                kind = key[0]
                level = _LEVELS.get(kind, "error")
                self._standing[key] = Alert(kind=kind, text=text, since_ns=wall_ns, level=level, active=True)
                self._told_ns[key] = mono_ns
                told.append(self._standing[key])
        return told

    def acknowledge(self, kind: str, since_ns: int, by: str) -> list[Alert]:
        """Somebody has seen it: the alerts that stand with this name, "" and 0 for any, as they are from now on.

        Who was first remains.
        """
        seen: list[Alert] = []
        for key, alert in self._standing.items():
            if kind in {"", alert.kind} and since_ns in {0, alert.since_ns}:
                if not alert.acknowledged_by:
                    self._standing[key] = msgspec.structs.replace(alert, acknowledged_by=by)
                seen.append(self._standing[key])
        return seen

    def _look_at_feed(self, facts: Facts, mono_ns: int, found: dict[_Key, str], unknown: set[str]) -> None:
        """No trustworthy feed for more than 3 s, by whatever causes, as long as they overlap."""
        if facts.causes is None or facts.reconciling:
            unknown.add(STALE_FEED)
            self._feed = self._feed if facts.causes is None else frozenset()
            return
        bad = [cause for cause in facts.causes if cause.name in _FEED_CAUSES]
        now = frozenset((cause.name, cause.since_ns) for cause in bad)
        if not now & self._feed:  # what stood at the look before is over
            self._feed_bad_ns = mono_ns
        self._feed = now
        if bad and mono_ns - self._feed_bad_ns > _FEED_PATIENCE_NS:
            longest = min(bad, key=lambda cause: cause.since_ns)
            found[STALE_FEED, ""] = f"{longest.name}: {longest.detail}"

    def _found(self, facts: Facts) -> tuple[dict[_Key, str], set[str]]:
        """What is so now, and the kinds of which that cannot be said."""
        found = {(PROCESS_FATAL, name): f"{name} is not started any more: {why}" for name, why in facts.fatal.items()}
        unknown: set[str] = set()
        if facts.halt_id is not None:
            found[HALT, facts.halt_id] = f"halt {facts.halt_id} stands; `sovereign resume` lifts it"
        if facts.causes is None:
            unknown |= {BRAIN_DEATH, UNPROTECTED, *([HALT] if facts.halt_id is None else [])}
        for cause in facts.causes or ():
            kind = _BY_CAUSE.get(cause.name)
            if kind == BRAIN_DEATH and facts.starting:
                unknown.add(kind)
            elif kind is not None:
                found[kind, ""] = f"{cause.name}: {cause.detail}"
        if not facts.loss_limit_pct or facts.loss_pct is None:
            unknown.add(LOSS_80)
        elif facts.loss_pct * 100 >= facts.loss_limit_pct * self._loss_mark_pct():
            limit, share = facts.loss_limit_pct, facts.loss_pct / facts.loss_limit_pct
            found[LOSS_80, ""] = f"the day has lost {facts.loss_pct:.2f} %, {share:.0%} of its limit {limit:g} %"
        return found, unknown

    def _loss_mark_pct(self) -> int:
        return _LOSS_OFF_PCT if (LOSS_80, "") in self._standing else _LOSS_ON_PCT
