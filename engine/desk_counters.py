"""What the command port has seen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_MOST_RULES: Final = 64
"""Beyond it what is refused by yet another code of the venue is counted as `other`."""
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class DeskCounters:
    """What came in on the command channel since the start."""

    requests: int = 0
    heartbeats: int = 0
    orders: int = 0
    acks: int = 0
    rejects: int = 0
    malformed: int = 0
    rejects_by: dict[str, int] = field(default_factory=dict)
    """The rejects by the rule that refused; of the venue's refusals by its code."""

    def reject(self, rule: str) -> None:
        """One more, by this rule."""
        self.rejects += 1
        known = rule in self.rejects_by or len(self.rejects_by) < _MOST_RULES
        name = rule if known else "other"
        self.rejects_by[name] = self.rejects_by.get(name, 0) + 1

    def by_rule(self) -> dict[str, int]:
        """The rejects by rule, under names fit for a metric: `venue_51008` for `venue 51008`."""
        found: dict[str, int] = {}
        for rule, count in self.rejects_by.items():
            name = _NOT_A_NAME.sub("_", rule.lower()).strip("_") or "other"
            found[name] = found.get(name, 0) + count
        return found
