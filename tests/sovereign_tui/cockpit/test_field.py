from __future__ import annotations

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.events import Key

from sovereign_tui.cockpit.field import Field


class OneField(App[None]):
    def compose(self) -> ComposeResult:
        yield Field("abcdef", select_on_focus=False)


@pytest.mark.parametrize(
    ("burst", "value"),
    [
        (["backspace"] * 8 + ["9", "5"], "95"),
        (["x", "left", "backspace", "y"], "abcdeyx"),
        (["home", "delete", "z"], "zbcdef"),
    ],
)
def test_a_burst_is_taken_in_its_order(burst: list[str], value: str) -> None:
    async def test() -> None:
        app = OneField()
        async with app.run_test() as pilot:
            for key in burst:  # as a driver does: nobody waits for one key before the next
                app.post_message(Key(key, key if len(key) == 1 else None))
            await pilot.pause()
            await pilot.pause(0.05)
            assert app.query_one(Field).value == value

    asyncio.run(test())
