"""A driver that never waits for the terminal, hears the kill key in its input thread, and understands answers."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import ScreenStackError
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

from sovereign_tui.cockpit.tty.answers import Answer, Answers
from sovereign_tui.cockpit.tty.pasting import END, Pasting
from sovereign_tui.cockpit.tty.writer import Writer

KILL_KEY: Final = "ctrl+k"
MOST_TYPED: Final = 200
"""Keys that wait to be taken."""
_ONE_KEY: Final = 24
MOST_CELLS: Final = 1_000
"""Across and down."""
_STDERR: Final = 2
_LOOK_S: Final = 0.1
_HELD_S: Final = 0.02
"""The rest of an answer follows at once; a bare Escape waits no longer than this for nothing."""
_LAST_ANSWER_S: Final = 0.5
_READ_BYTES: Final = 4_096

Heard = Callable[[Answer], None]


class CockpitDriver(LinuxDriver):
    """Textual's own, but for what it does with a slow, a silent or a vanished terminal."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._writer: Writer | None = None
        self._answered = threading.Event()
        self._answered.set()
        self._on_their_way, self._counting = 0, threading.Lock()
        self._on_answer: Heard = lambda answer: None
        self._on_stop: Callable[[], None] = lambda: None
        super().__init__(app, **options)

    # Textual assigns its writer thread here; ours takes the place, as there is no other way in
    @property
    def _writer_thread(self) -> Any:
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, theirs: object) -> None:
        self._writer = None if theirs is None else Writer(self.descriptor())

    def descriptor(self) -> int:
        """Where the screen is drawn; fd 2 itself may lead elsewhere meanwhile."""
        return _STDERR

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return self._writer.backlog if self._writer is not None else 0

    def listen(self, on_answer: Heard, on_stop: Callable[[], None]) -> None:
        """`on_answer` gets each answer, in the input thread; `on_stop` is told before a suspension."""
        self._on_answer, self._on_stop = on_answer, on_stop

    def ask(self, question: str) -> None:
        """Asks the terminal; the answer comes to `on_answer`."""
        self._answered.clear()
        self.write(question)

    def disable_input(self) -> None:
        """Waits for the last answer first: it would be typed into the shell."""
        self._answered.wait(_LAST_ANSWER_S)
        self._answered.set()
        super().disable_input()

    def _request_terminal_sync_mode_support(self) -> None:
        """Asked behind the first frame, and every other."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the terminal that is drawn on: Textual asks stdout, which may be a file."""
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(self.descriptor())
            if size.columns and size.lines:
                return min(size.columns, MOST_CELLS), min(size.lines, MOST_CELLS)
        return super()._get_terminal_size()

    def process_message(self, message: Message) -> None:
        """Of a size that no terminal has (garbage that looks like a terminal's word) nothing is made: to lay it out
        would take minutes."""
        if not isinstance(message, events.Resize) or all(1 <= cells <= MOST_CELLS for cells in message.size):
            super().process_message(message)

    def send_message(self, message: Message) -> None:
        """To the app. What is typed faster than it can be taken (a file, pasted where nothing says that it is a paste)
        is thrown away: a screen that is minutes behind its keys shows old numbers, and takes all memory."""
        if not isinstance(message, events.InputEvent):
            super().send_message(message)
            return
        if self._untaken() >= MOST_TYPED:
            return
        with self._counting:
            self._on_their_way += 1
        sent = asyncio.run_coroutine_threadsafe(self._app._post_message(message), loop=self._loop)
        sent.add_done_callback(self._has_arrived)

    def _untaken(self) -> int:
        count: int = self._on_their_way + self._app.message_queue_size
        with contextlib.suppress(ScreenStackError):  # before the first screen, or after the last
            screen = self._app.screen  # a key goes through it, or what has the focus on it, and back to the app
            count += screen.message_queue_size
            count += 0 if screen.focused is None else screen.focused.message_queue_size
        return count

    def _has_arrived(self, _: object) -> None:
        with self._counting:
            self._on_their_way -= 1

    def _sigtstp_application(self, *_: object) -> None:
        """The parent is told that this stop is meant for it, too."""
        self._on_stop()
        super()._sigtstp_application()

    def _run_input_thread(self) -> None:
        """A mistake of ours ends the app in order; Textual would print it on the terminal."""
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001  # the thread's last word, and handed on whole
            self._app.call_later(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Textual's loop, but for the answers, and the end of a terminal that is gone: Textual's spins on it."""
        parser, answers, pasting = XTermParser(self._debug), Answers(), Pasting()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            if poll.poll(1_000 * (_HELD_S if answers.begun else _LOOK_S)):
                try:
                    data = os.read(self.fileno, _READ_BYTES)
                except OSError:
                    data = b""
                if not data:
                    return  # gone: the watch ends the process
                text, found = answers.feed(decode(data))
                for answer in found:
                    self._hear(answer)
            else:
                text = answers.release()
            if pasting.is_lost(time.monotonic_ns()):
                pasting.saw(END, time.monotonic_ns())
                self._pass_on(parser.feed(END))
            elif pasting.open:
                self._look_for_kill(text)
            pasting.saw(text, time.monotonic_ns())
            if text:
                self._pass_on(parser.feed(text))
            self._pass_on(parser.tick())

    def _look_for_kill(self, text: str) -> None:
        """In the middle of a paste: a kill key that comes alone was hit, not pasted."""
        if len(text) <= _ONE_KEY and not text.isprintable():
            alone = XTermParser(self._debug)
            found = [*alone.feed(text), *alone.tick()]
            if len(found) == 1 and self.kills(found[0]):
                self.process_message(found[0])

    def kills(self, message: Message) -> bool:
        """Whether it is a kill key: none, without `driver_with_kill_key`."""
        return False

    def _hear(self, answer: Answer) -> None:
        self._answered.set()
        if answer.synchronises and not getattr(self._app, "_sync_available", False):
            super().process_message(TerminalSupportsSynchronizedOutput())
        self._on_answer(answer)

    def _pass_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)


def driver_with_kill_key(
    press: Callable[[], None], descriptor: Callable[[], int] = lambda: _STDERR,
    keys: frozenset[str] = frozenset({KILL_KEY}),
) -> type[Driver]:  # fmt: skip
    """A driver that draws on `descriptor`, and whose input thread calls `press` at one of `keys`.

    The event loop may be as busy as it likes. The key goes no further, so that one press is one HALT.
    """

    class KillKeyDriver(CockpitDriver):
        def descriptor(self) -> int:
            return descriptor()

        def kills(self, message: Message) -> bool:
            return isinstance(message, events.Key) and message.key in keys

        def process_message(self, message: Message) -> None:
            if self.kills(message):
                press()
                return
            super().process_message(message)

    return KillKeyDriver
