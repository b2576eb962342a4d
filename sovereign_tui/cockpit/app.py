"""The cockpit: one Textual app, painted on a timer.

Theory of operation. Sockets hand bytes to `Feed`; ten times a second `_paint` decodes what came, folds it into the
view, has each pane say its rows, and repaints the rows that changed. Keys act on the screen alone, but for two: the
kill key goes its own way (`kill`, `tty.driver`), and the quit dialog may stop the system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from textual.app import ComposeResult
from textual.binding import Binding

from schemas.channels import Keyring, KeyringError, Wire
from schemas.clock import Clock, SystemClock
from schemas.settings import Home, Settings
from sovereign_tui.cockpit.canvas import Canvas
from sovereign_tui.cockpit.dialogs import HelpDialog, Leave, QuitDialog
from sovereign_tui.cockpit.feed import Arrived, Feed
from sovereign_tui.cockpit.frame import Paint, framed
from sovereign_tui.cockpit.kill import KillSwitch, NoKillSwitch, Switch, issuer
from sovereign_tui.cockpit.layout import Rect, arrange
from sovereign_tui.cockpit.panes import banner, footer, header
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.theme import BACKGROUND
from sovereign_tui.cockpit.tty.guard import Guarded
from sovereign_tui.cockpit.tty.paced import PacedApp
from sovereign_tui.cockpit.tty.pacer import LinkMode
from sovereign_tui.cockpit.tty.session import show
from sovereign_tui.cockpit.view import View
from sovereign_tui.ops.client import OpsError, stream

_DOWN_SILENCE_S: Final = 60.0
_HEADER_ROWS: Final = 2


class Source(Protocol):
    """Where the messages come from."""

    def poll(self) -> list[Arrived]: ...


class Cockpit(PacedApp):
    """The screen. `connect` opens the source on the app's own loop, and is called once."""

    CSS = f"""
    Screen {{ background: {BACKGROUND}; overflow: hidden; }}
    ModalScreen {{ background: {BACKGROUND} 50%; }}
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("ctrl+k", "kill", "HALT", key_display="^K", priority=True),
        Binding("ctrl+q,ctrl+c", "leave", "quit", key_display="^Q", show=False, priority=True),
        Binding("q", "leave", "quit"),
        Binding("question_mark", "keys", "help", key_display="?"),
        *(Binding(key, f"choose('{key}')", name, show=False) for key, (name, _) in PANES.items()),
        Binding("z", "zoom", "zoom"),
        Binding("space", "freeze", "freeze", key_display="space"),
        Binding("s", "picture", "screenshot"),
    ]

    def __init__(
        self, *, home: Home, settings: Settings, clock: Clock, kill: Switch, connect: Callable[[], Source],
        readonly: bool, who: str,
    ) -> None:  # fmt: skip
        super().__init__(
            press=kill.press, clock=clock, fps=settings.cockpit.fps, link=LinkMode(settings.cockpit.link)
        )  # fmt: skip
        self.view = View()
        self._home, self._settings, self._clock, self._kill = home, settings, clock, kill
        self._connect = connect
        self._source: Source | None = None
        self._readonly = readonly
        self._who = who
        self._selected = "1"
        self._zoomed = False
        self._still: tuple[View, int] | None = None
        self._note, self._note_until_ns = "", 0
        self._alarmed: int | None = None
        self._stopping = False
        self._started_ns = clock.monotonic_ns()
        self._header, self._banner, self._footer = Canvas("header"), Canvas("banner"), Canvas("footer")
        self._panes = {key: Canvas(f"pane{key}") for key in PANES}
        keys = [(each.key_display or each.key, each.description) for each in self._own_bindings() if each.show]
        self._hints = (*keys[1:], ("1-6", "pane"))

    def compose(self) -> ComposeResult:
        """Canvases, placed by `_paint`."""
        yield from (self._header, self._banner, *self._panes.values(), self._footer)

    def on_mount(self) -> None:
        """Connects, and begins to paint."""
        self._source = self._connect()
        self.set_interval(1 / self._settings.cockpit.fps, self.frame)
        self.call_after_refresh(self.paint)

    def on_resize(self) -> None:
        """A new size is a new arrangement at once."""
        if self._source is not None:
            self.paint()

    def paint(self) -> None:
        """One frame: take what came, fold it in, show it."""
        self._take()
        now_ns = self._clock.monotonic_ns()
        live = self._moment(self.view, now_ns)
        width, height = self.size
        alarm = banner.draw(live, width)
        self._ring(live)
        self._show(self._header, Rect(0, 0, width, _HEADER_ROWS), header.draw(live, width))
        self._show(self._banner, Rect(0, _HEADER_ROWS, width, len(alarm)) if alarm else None, alarm)
        self._show(self._footer, Rect(0, height - 1, width, 1), (footer.draw(live, width),))
        still = live if self._still is None else self._moment(*self._still)
        top = _HEADER_ROWS + len(alarm)
        places = arrange(width, height, top, self._selected, zoomed=self._zoomed)
        for key, canvas in self._panes.items():
            rect = places.get(key)
            name, draw = PANES[key]
            self._show(canvas, rect, framed(still, key, name, draw, rect.width, rect.height) if rect else ())

    def action_kill(self) -> None:
        """For drivers without an input thread of ours; a terminal's key never comes so far."""
        self._kill.press()
        self.paint()

    def action_leave(self) -> None:
        """Asks before leaving; pressed again, it stays at the question."""
        if not isinstance(self.screen, QuitDialog):
            self.push_screen(QuitDialog(readonly=self._readonly), self._left)

    def action_keys(self) -> None:
        """The help, made from the bindings."""
        self.push_screen(HelpDialog((each.key_display or each.key, each.description) for each in self._own_bindings()))

    def action_choose(self, key: str) -> None:
        """A pane by its number."""
        self._selected = key
        self.paint()

    def action_zoom(self) -> None:
        """The chosen pane alone, or all of them."""
        self._zoomed = not self._zoomed
        self.paint()

    def action_freeze(self) -> None:
        """Holds the panes still; the data keeps arriving, header and banner stay live."""
        self._still = None if self._still is not None else (self.view, self._clock.monotonic_ns())
        self.paint()

    def action_picture(self) -> None:
        """An SVG of the screen."""
        folder = self._home.data / "screenshots"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.save_screenshot(f"cockpit-{self._clock.wall_ns() // 1_000_000}.svg", str(folder))
        except OSError as error:
            self._say(f"no screenshot: {error.strerror}")
            return
        self._say(f"saved {path}")

    def _own_bindings(self) -> list[Binding]:
        return [each for each in self.BINDINGS if isinstance(each, Binding)]

    def _take(self) -> None:
        view = self.view
        now_ns = self._clock.monotonic_ns()
        for message, at_ns in self._source.poll() if self._source is not None else ():
            view = reduce(view, message, at_ns)
        for kill in self._kill.take_news():
            view = reduce(view, kill, now_ns)
        if note := self._kill.take_note():
            self._say(note)
        self.view = view

    def _moment(self, view: View, now_ns: int) -> Paint:
        settings = self._settings
        return Paint(
            view=view, now_ns=now_ns, stale_ms=settings.cockpit.stale_ms, started_ns=self._started_ns,
            readonly=self._readonly, frozen=self._still is not None, selected=self._selected,
            venue=settings.venue.name, instrument=settings.venue.instrument, keys=self._hints,
            note=self._note if self._clock.monotonic_ns() < self._note_until_ns else "",
        )  # fmt: skip

    def _show(self, canvas: Canvas, rect: Rect | None, rows: tuple[tuple[object, ...], ...]) -> None:
        canvas.place(rect)
        canvas.show(rows)  # type: ignore[arg-type]

    def _ring(self, paint: Paint) -> None:
        """The bell, once a press that stays unconfirmed."""
        kill = paint.view.kill
        if kill is not None and kill.number != self._alarmed and banner.is_unconfirmed(paint):
            self._alarmed = kill.number
            self.bell()

    def _say(self, text: str) -> None:
        self._note, self._note_until_ns = text, self._clock.monotonic_ns() + 4_000_000_000

    def _left(self, choice: Leave | None) -> None:
        if choice is Leave.DETACH:
            self.exit(return_code=0)
        elif choice is Leave.STOP and not self._stopping:
            self._stopping = True
            self.run_worker(self._stop(), exit_on_error=True)

    async def _stop(self) -> None:
        """Has ops stop everything, and leaves when it is done."""
        command = {"cmd": "down", "issuer": self._who, "progress": True}
        self._say("stopping everything")
        try:
            async for answer in stream(self._home, command, _DOWN_SILENCE_S):
                step = answer.get("progress")
                if isinstance(step, dict):
                    self._say(f"stopping {step.get('stopping', '')}")
        except OpsError as error:
            self._stopping = False
            self._say(f"not stopped: {error}")
            return
        self.exit(return_code=0)


def run(
    *, home: Home, settings: Settings, readonly: bool, halt: bool = True, guarded: Guarded | None = None
) -> int:  # fmt: skip
    """Shows the cockpit until it is left; returns the exit code. `halt` False: its kill key commands nothing.

    Raises: KeyringError, before anything is drawn.
    """
    clock = SystemClock()
    keys = Keyring.load_or_create(home.keys) if settings.wire.curve else None
    who = issuer()
    kill = KillSwitch(home, clock, who) if halt else NoKillSwitch()
    wires: list[Wire] = []

    def connect() -> Feed:
        wires.append(Wire(process="cockpit", keys=keys, clock=clock))
        return Feed(wires[0], settings, clock)

    app = Cockpit(
        home=home, settings=settings, clock=clock, kill=kill, connect=connect, readonly=readonly, who=who
    )  # fmt: skip
    return show(app, home, mouse=settings.cockpit.mouse, guarded=guarded)


__all__ = ["Cockpit", "KeyringError", "Source", "run"]
