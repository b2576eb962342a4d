"""A running cockpit under a test's hands: keys pressed, messages heard, time moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from schemas.settings import Home
from sovereign_tui.cockpit.app import Cockpit
from sovereign_tui.cockpit.canvas import Canvas
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.support import FakeSource, cockpit
from tests.support.clock import ManualClock


@dataclass
class Desk:
    """A running cockpit with everything around it in the test's hands."""

    app: Cockpit
    pilot: Pilot[None]
    clock: ManualClock
    source: FakeSource

    def text(self, name: str) -> str:
        return self.app.screen_stack[0].query_one(f"#{name}", Canvas).text

    def shown(self) -> list[str]:
        return [str(canvas.id) for canvas in self.app.screen_stack[0].query(Canvas) if canvas.display]

    def hear(self, *messages: object) -> None:
        """They come, and time goes on a little, so that panes that are not drawn with each frame are."""
        self.source.put(*messages)
        self.clock.advance(s=1)
        self.app.paint()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not met():
                self.app.paint()
                await self.pilot.pause(0.005)


@asynccontextmanager
async def desk(home: Home, size: tuple[int, int] = (120, 40), **options: Any) -> AsyncIterator[Desk]:
    """`options`: of `support.cockpit`."""
    clock = ManualClock()
    source = FakeSource(clock)
    app = cockpit(home, clock, source, **options)
    async with app.run_test(size=size) as pilot:
        source.put(make.engine(), make.tick(), make.positions(), make.orders(), make.account(), make.pulse())
        app.paint()
        yield Desk(app, pilot, clock, source)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test()

    asyncio.run(bounded())
