"""An app whose frames are paced by the terminal's answers, and whose mistakes do not land on the screen.

Theory of operation. The paint timer calls `frame`, which paints when the pacer says so. What is painted comes to
`_display`; it is written with a question behind it, and until the answer Textual's batch is held: widgets go on
changing, nothing is drawn. A tick that fell into the wait is made up for as soon as the answer is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any, ClassVar, Final

from rich.console import RenderableType
from textual import on
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import CompositorUpdate
from textual._styles_cache import StylesCache
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.driver import Driver
from textual.screen import Screen

from schemas.clock import NS_PER_S, Clock
from sovereign_tui.cockpit.tty.answers import Answer, Question
from sovereign_tui.cockpit.tty.crash import EXIT_CRASHED, Crashes
from sovereign_tui.cockpit.tty.driver import KILL_KEY, CockpitDriver, driver_with_kill_key
from sovereign_tui.cockpit.tty.pacer import LinkMode, LinkState, Pacer
from sovereign_tui.cockpit.tty.sequence import Run, colours_of, sequence, strokes

_FIRST: Final = (
    Question.STATUS  # this one writes a "p" at the other question
    if os.environ.get("TERM_PROGRAM") == "Apple_Terminal"
    else f"{Question.MODE}{Question.STATUS}"
)
"""What is answered first is asked from then on."""
_TOAST_GOES_S: Final = 2.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class PacedApp(App[None]):
    """The base of the cockpit. `press`: what the kill keys do; `fps`: the most frames a second.

    `native_colours`: the terminal's own colours, or none, are left as they are.
    """

    BINDINGS: ClassVar = [Binding("ctrl+z", "suspend_process", show=False, priority=True)]

    def __init__(
        self, *, press: Callable[[], None], clock: Clock, fps: float, link: LinkMode = LinkMode.AUTO,
        kill_keys: frozenset[str] = frozenset({KILL_KEY}), native_colours: bool = False,
    ) -> None:  # fmt: skip
        self._screen_descriptor = 2
        driver = driver_with_kill_key(press, lambda: self._screen_descriptor, kill_keys)
        super().__init__(driver_class=driver, ansi_color=native_colours)
        self._ticks = clock
        self._pacer = Pacer(fps=fps, mode=link)
        self._question: Question | None = None
        self._held = self._due = self._missed = False
        self._toasts_until_ns = 0
        self._crashes = Crashes()
        self._on_stop: Callable[[], None] = lambda: None

    @property
    def link(self) -> LinkState:
        """The link to the terminal, as measured."""
        return self._pacer.state(self._ticks.monotonic_ns())

    def guarded_by(self, crashes: Crashes, on_stop: Callable[[], None]) -> None:
        """Mistakes go to `crashes`; `on_stop` is told before a suspension."""
        self._crashes, self._on_stop = crashes, on_stop

    def draws_on(self, descriptor: int) -> None:
        """Where the terminal is; for drivers that are made from now on."""
        self._screen_descriptor = descriptor

    def paint(self) -> None:
        """Shows what there is to show now."""
        raise NotImplementedError

    def frame(self) -> None:
        """For the paint timer: paints if the next frame is due."""
        now_ns = self._ticks.monotonic_ns()
        if self._held and self._pacer.is_clear(now_ns, self._backlog()):
            self._release()
        self._due = not self._pacer.may_paint(now_ns, self._backlog())
        if not self._due:
            self.paint()

    def on_mount(self) -> None:
        """Signals end the app in order, and the terminal's answers are heard."""
        loop = asyncio.get_running_loop()
        if self._crashes.path is not None:
            loop.set_exception_handler(self._crashes.of_loop)
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread (a test): no signal comes there
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._ended_by, number)
        if isinstance(self._driver, CockpitDriver):
            self._driver.listen(self._hear, self._on_stop)

    @on(Driver.SignalResume)
    def _come_back(self) -> None:
        """After a suspension: whatever is on the screen is not ours."""
        self._pacer.begin_anew()
        self._release()
        self.refresh(layout=True)

    def action_suspend_process(self) -> None:
        """Only where a shell can continue it: a session's first process would stay stopped for ever."""
        if os.getsid(0) != os.getpgrp():
            super().action_suspend_process()

    def _ended_by(self, number: int) -> None:
        self.exit(return_code=128 + number)

    def _hear(self, answer: Answer) -> None:
        """An answer, in the input thread."""
        at_ns = self._ticks.monotonic_ns()
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the app is leaving
                loop.call_soon_threadsafe(self._answered, answer, at_ns)

    def _answered(self, answer: Answer, at_ns: int) -> None:
        if self._question is None:
            self._question = answer.to
        if answer.to is not self._question or self._pacer.answered(at_ns) is None:
            return
        self._release()
        if self._due and self._pacer.may_paint(self._ticks.monotonic_ns(), self._backlog()):
            self._due = False
            self.paint()

    @property
    def must_wait(self) -> bool:
        """Whether a frame painted now could not be written: it is made up for at the terminal's answer, or never, where
        the app is leaving and its last screen is gone."""
        if not self._screen_stack:
            return True
        if self._held and self._is_bare():
            self._due = True
            return True
        return False

    def strokes(self) -> list[Run] | None:
        """Where a frame puts what changed, for `draw` to write; None where Textual has to lay it out: something is on
        top, or Textual itself has something to repaint, which would otherwise wait for a gap between our frames."""
        free = self._is_bare() and not self._batch_count and self._running and not self._closed
        return [] if free and not self._is_unsettled() else None

    def _is_bare(self) -> bool:
        """Whether nothing but our own rows is on the screen of a terminal."""
        toastless = self._ticks.monotonic_ns() > self._toasts_until_ns
        return toastless and len(self._screen_stack) == 1 and isinstance(self._driver, CockpitDriver)

    def _is_unsettled(self) -> bool:
        screen = self.screen
        return bool(
            screen._layout_required or screen._repaint_required or screen._scroll_required or screen._dirty_widgets
            or screen._compositor._dirty_regions
        )  # fmt: skip

    def draw(self, runs: list[Run]) -> None:
        """Writes them, past Textual's compositor: what it would find out is known, and costs half a frame."""
        driver = self._driver
        if runs and isinstance(driver, CockpitDriver):
            self._write(driver, strokes(runs, colours_of(self.console)))

    def notify(self, message: str, **options: Any) -> None:
        """As Textual's; while a toast may be on top, frames are Textual's too."""
        timeout = options.get("timeout") or self.NOTIFICATION_TIMEOUT
        self._toasts_until_ns = self._ticks.monotonic_ns() + round((timeout + _TOAST_GOES_S) * NS_PER_S)
        super().notify(message, **options)

    # Textual remembers the looks of the last 1,024 widgets by the widgets' own caches, and so keeps all that they drew
    def pop_screen(self) -> AwaitComplete:
        """As Textual's; what the screen has drawn is forgotten with it."""
        done = super().pop_screen()
        StylesCache.get_inner_outer.cache_clear()
        return done

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self._begin_batch()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._end_batch()
            if self._missed:
                self._missed = False
                self.screen.refresh()

    def _backlog(self) -> int:
        return self._driver.backlog if isinstance(self._driver, CockpitDriver) else 0

    # Textual writes brackets, cursor and contents apart from each other, changed or not; here it is one write, or none
    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        if not isinstance(renderable, CompositorUpdate) or not isinstance(driver, CockpitDriver):
            super()._display(screen, renderable)
            return
        if self._batch_count:
            self._missed = self._missed or self._held
        elif self._running and not self._closed:
            text = sequence(renderable, self.console)
            if text:
                self._write(driver, text)
        self.post_display_hook()

    def _write(self, driver: CockpitDriver, text: str) -> None:
        if self.focused is not None:
            x, y = self.screen.outer_size.clamp_offset(self.cursor_position)
            text += f"\x1b[{y + 1};{x + 1}H"  # where an input method opens its window
        if self._sync_available:
            text = f"{SYNC_START}{text}{SYNC_END}"
        driver.write(text)
        self._pacer.wrote(self._ticks.monotonic_ns(), len(text.encode()))
        if self._pacer.waits:
            driver.ask(_FIRST if self._question is None else self._question)
            self._hold()

    # Textual prints a traceback on the terminal; here it goes to the crash file, and the parent says one line
    def _handle_exception(self, error: Exception) -> None:
        self._return_code = EXIT_CRASHED
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._crashes.note("the screen:", error)
        self._close_messages_no_wait()

    # as above: what `panic` has collected
    def _print_error_renderables(self) -> None:
        for renderable in self._exit_renderables:
            with self.console.capture() as capture:
                self.console.print(renderable)
            self._crashes.note("the screen:", None, capture.get())
        self._exit_renderables.clear()
