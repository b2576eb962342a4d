"""No new risk while the journal cannot be written: nothing could be sent anyway, and everybody is to see why."""

from __future__ import annotations

import asyncio
from typing import Final

from engine.execution.journal import Journal
from engine.risk.trading_state import CauseName, TradingCauses

_LOOK_EVERY_S: Final = 0.1
_PROVE_EVERY_S: Final = 1.0


async def watch_journal(journal: Journal, causes: TradingCauses) -> None:
    """Raise JOURNAL_LOST, and clear it as soon as the disk takes a block again, until cancelled."""
    while True:
        await asyncio.sleep(_PROVE_EVERY_S if journal.problem else _LOOK_EVERY_S)
        if journal.problem:
            causes.hold(CauseName.JOURNAL_LOST, True, f"{journal.problem}; mend the data directory's disk")
            try:
                await journal.prove()
            except OSError:
                continue
        causes.hold(CauseName.JOURNAL_LOST, False)
