"""What is typed, on its way through the input thread: lost ends of pastes, sizes that no terminal has."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App
from textual.message import Message

from sovereign_tui.cockpit.tty.driver import MOST_TYPED, CockpitDriver, driver_with_kill_key
from sovereign_tui.cockpit.tty.pasting import BEGIN, END, SILENCE_NS, Pasting

KILL = b"\x0b"


@given(st.lists(st.sampled_from([BEGIN, END, "abc", "\x1b[", "\x1b", "[200", "~", "é"]), max_size=12), st.data())
def test_however_it_is_cut_the_last_word_counts(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    pasting, at = Pasting(), 0
    while at < len(text):
        size = data.draw(st.integers(1, 7))
        pasting.saw(text[at : at + size], 0)
        at += size
    assert pasting.open == (text.rfind(BEGIN) > text.rfind(END))


def test_a_paste_is_lost_after_silence_alone() -> None:
    pasting = Pasting()
    pasting.saw(f"{BEGIN}abc", 10)
    pasting.saw("", SILENCE_NS)
    assert not pasting.is_lost(SILENCE_NS)
    assert pasting.is_lost(SILENCE_NS + 10)
    pasting.saw(END, SILENCE_NS + 11)
    assert not pasting.is_lost(9 * SILENCE_NS)


class Typed:
    """A driver's input thread on a pipe: what was pressed, and the other messages."""

    def __init__(self) -> None:
        self.presses = 0
        self.messages: list[Message] = []
        read, self.keyboard = os.pipe()
        self._read = read

        def press() -> None:
            self.presses += 1

        class PipeDriver(driver_with_kill_key(press)):  # type: ignore[misc]  # a class made by a function
            def __init__(self) -> None:  # no terminal, and no app that runs
                self.fileno, self.exit_event, self._debug = read, threading.Event(), False
                self._app, self.cursor_origin = SimpleNamespace(), None
                self._down_buttons: list[int] = []

        self.driver = PipeDriver()
        self.driver.send_message = self.messages.append
        self._thread = threading.Thread(target=self.driver.run_input_thread)
        self._thread.start()

    def types(self, data: bytes, wait_s: float = 0.3) -> None:
        os.write(self.keyboard, data)
        deadline, before = time.monotonic() + wait_s, self.presses
        while time.monotonic() < deadline and self.presses == before:
            time.sleep(0.01)

    def close(self) -> None:
        self.driver.exit_event.set()
        self._thread.join(5)
        os.close(self.keyboard)
        os.close(self._read)


@pytest.fixture
def typed() -> Iterator[Typed]:
    made = Typed()
    yield made
    made.close()


@pytest.mark.parametrize("key", [KILL, b"\x1b[107;5u"])
def test_the_kill_key_gets_through_in_the_middle_of_a_paste(typed: Typed, key: bytes) -> None:
    typed.types(b"\x1b[200~half of a pas")
    typed.types(key)
    assert typed.presses == 1


def test_what_is_pasted_is_no_kill_key(typed: Typed) -> None:
    typed.types(b"\x1b[200~one\x0btwo\x1b[201~")
    assert typed.presses == 0
    assert [message.text for message in typed.messages if isinstance(message, events.Paste)] == ["one\x0btwo"]


def test_keys_are_keys_again_when_no_more_of_a_paste_comes(typed: Typed) -> None:
    typed.types(b"\x1b[200~half of a pas")
    typed.types(b"", SILENCE_NS / 1e9 + 0.5)
    typed.types(b"x\x0b")
    assert typed.presses == 1
    assert [message.key for message in typed.messages if isinstance(message, events.Key)] == ["x"]


def test_a_size_that_no_terminal_has_is_not_laid_out(typed: Typed) -> None:
    for size in (b"99999;99999", b"0;0", b"40;120"):
        typed.types(b"\x1b[48;" + size + b";1;1t")
    assert [message.size for message in typed.messages if isinstance(message, events.Resize)] == [(120, 40)]


class _Busy(App[None]):
    """Takes its time with a key."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = 0

    async def on_key(self, event: events.Key) -> None:
        self.keys += 1
        await asyncio.sleep(0.001)


async def _taken(app: _Busy) -> None:
    """When all that was typed has been looked at."""
    async with asyncio.timeout(30):
        quiet, seen = 0, -1
        while quiet < 20:
            await asyncio.sleep(0.005)
            quiet, seen = (quiet + 1, seen) if app.keys == seen else (0, app.keys)


def test_keys_that_come_faster_than_they_can_be_taken_do_not_pile_up() -> None:
    async def scenario() -> None:
        app = _Busy()
        most, before = 0, 0
        async with app.run_test():
            driver = object.__new__(driver_with_kill_key(lambda: None))
            assert isinstance(driver, CockpitDriver)
            driver._app, driver._loop = app, asyncio.get_running_loop()
            driver._on_their_way, driver._counting = 0, threading.Lock()

            def type_fast() -> None:
                for _ in range(10_000):
                    driver.send_message(events.Key("x", "x"))

            thread = threading.Thread(target=type_fast)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.001)
                most = max(most, app.message_queue_size)
            await _taken(app)
            before = app.keys
            driver.send_message(events.Key("y", "y"))
            async with asyncio.timeout(10):
                while app.keys == before:  # afterwards each is taken again
                    await asyncio.sleep(0.001)
            await _taken(app)
        assert app.keys == before + 1
        assert 0 < before < 5_000
        assert most <= MOST_TYPED + 20, "and a few messages of Textual's own"

    asyncio.run(scenario())
