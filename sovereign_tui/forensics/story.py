"""From what the operator typed to a trace: the one place that searches and then puts together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from schemas.clock import NS_PER_S
from schemas.settings import Home
from schemas.signing import public_key, verify
from sovereign_tui.forensics import halts
from sovereign_tui.forensics.orders import decided_on, order_trace
from sovereign_tui.forensics.search import Records, Search
from sovereign_tui.forensics.subject import Subject
from sovereign_tui.forensics.trace import Trace

_PROTECTING_NS: Final = 30 * NS_PER_S
"""How long after a fill the engine's own protection is looked for."""


def tell(home: Home, query: str, progress: Callable[[int, int], None] = lambda done, total: None) -> Trace:
    """The story of what `query` means. Raises: NotFound, Ambiguous, OSError, msgspec.DecodeError (of a receipt)."""
    search = Search(home, progress)
    subject, found = search.records(search.subject(query))
    return _halt(search, subject, found, home.keys) if subject.kind == "halt" else _order(search, subject, found)


def _halt(search: Search, subject: Subject, found: Records, keys: Path) -> Trace:
    around = search.between(found.boot, *halts.span_ns(found), halts.CHANNELS) if found.records else []
    receipt = search.receipt(subject)
    signature = verify(receipt, public_key(keys)) if receipt is not None else ""
    return halts.halt_trace(subject, found, receipt=receipt, around=around, signature=signature)


def _order(search: Search, subject: Subject, found: Records) -> Trace:
    request = decided_on(found)
    ticks = search.tick(found.boot, request.decided_on.timestamp_ns) if request is not None else []
    asked = [record.wall_ns for record in found.records if record.channel == "venue"]
    around = search.between(found.boot, min(asked), min(asked) + _PROTECTING_NS, ("venue",)) if asked else []
    return order_trace(subject, found, journal=search.journal(subject), ticks=ticks, around=around)
