"""The story of one order or one halt: what happened in which process, in the order of one clock. Pure.

As JSON (`Trace.as_json`), which programs may rely on; a field whose part is not known is null:

  kind              "order" | "halt"
  ids               {"intent_id", "client_order_id", "venue_order_id", "children", "halt_id"}, "" where there is none
  outcome           one line: what became of it
  began_ns          monotonic ns that every time here counts from: the tick's arrival, or the halt's request
  order             the request as it was sent (messages.OrderRequest)
  tick              the tick decided on (messages.MarketTick without its depth), `source`: "record" | "decision"
  decision          messages.Decision: per frame the scores and votes, the direction, size and price; `features` with a
                    dot say what the size was made of and the thresholds of that moment
  gate              {"judged_ns", "cost_ns", "by", "order", "client_order_id", "verdict", "refusal", "view", "rules"};
                    a rule is {"rule", "code", "observed", "limit", "outcome"}, its outcome "passed", "refused",
                    "spared" or "not asked"
  receipt           the file of the receipt, as it is
  steps             [{"what", "process", "at_ns", "since_began_ms", "since_step_ms", "text", "data"}], in order
  missing           names of the steps that belong to such a story and are not in the record
  left_out          records with its ids that were made in other boots of the machine: their times do not compare
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final

from schemas.clock import NS_PER_MS
from sovereign_tui.forensics.subject import Subject

BEFORE: Final = (
    ("tick", "decision"),
    ("decision", "request_sent"),
    ("request_sent", "request_received"),
    ("request_received", "gate"),
    ("venue_request", "exchange_received"),
    ("exchange_answered", "venue_answer"),
    ("reply_sent", "reply_received"),
)
"""Cause and effect. What goes first on the hot path is recorded later, but never shown after its effect."""
_RANK: Final = {
    what: rank
    for rank, what in enumerate((
        "tick", "decision", "request_sent", "request_received", "gate", "journal", "venue_request",
        "exchange_received", "accepted", "matched", "protection_held", "exchange_answered", "venue_answer",
        "venue_state", "fill", "journal_end", "reply_sent", "reply_received",
    ))
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened in one process, at a monotonic time (ns)."""

    what: str
    process: str
    at_ns: int
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """See the module; the JSON has its fields."""

    subject: Subject
    outcome: str
    began_ns: int
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    order: Mapping[str, Any] | None = None
    tick: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    gate: Mapping[str, Any] | None = None
    receipt: Mapping[str, Any] | None = None
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that the module describes."""
        ids = asdict(self.subject)
        return {
            "kind": ids.pop("kind"), "ids": ids, "outcome": self.outcome, "began_ns": self.began_ns,
            "order": self.order, "tick": self.tick, "decision": self.decision, "gate": self.gate,
            "receipt": self.receipt, "steps": [self._row(step, gap_ms) for step, gap_ms in self.timed()],
            "missing": list(self.missing), "left_out": self.left_out,
        }  # fmt: skip

    def timed(self) -> list[tuple[Step, float | None]]:
        """Each step with the ms since the one before; None for the first."""
        gaps = [(later.at_ns - earlier.at_ns) / NS_PER_MS for earlier, later in pairwise(self.steps)]
        return list(zip(self.steps, (None, *gaps), strict=False))

    def since_began_ms(self, step: Step) -> float:
        """Ms since the tick arrived, or the halt was asked for."""
        return (step.at_ns - self.began_ns) / NS_PER_MS

    def _row(self, step: Step, gap_ms: float | None) -> dict[str, Any]:
        return {
            "what": step.what, "process": step.process, "at_ns": step.at_ns,
            "since_began_ms": round(self.since_began_ms(step), 3),
            "since_step_ms": None if gap_ms is None else round(gap_ms, 3), "text": step.text, "data": dict(step.data),
        }  # fmt: skip


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By time, a cause never after its first effect."""
    every = list(steps)
    for cause, effect in reversed(BEFORE):
        at_ns = min((step.at_ns for step in every if step.what == effect), default=None)
        first = next((number for number, step in enumerate(every) if step.what == cause), None)
        if at_ns is not None and first is not None and every[first].at_ns > at_ns:
            every[first] = _at(every[first], at_ns)
    return tuple(sorted(every, key=lambda step: (step.at_ns, _RANK.get(step.what, len(_RANK)))))


def _at(step: Step, at_ns: int) -> Step:
    return Step(what=step.what, process=step.process, at_ns=at_ns, text=step.text, data=step.data)
