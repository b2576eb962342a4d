"""The cockpit: one Textual app, painted on a timer.

Theory of operation. Sockets hand bytes to `Feed`; ten times a second `paint` decodes what came, folds it into the
view, has each pane that is shown say its rows, and repaints what changed. Keys change what is looked at
(`navigation`), or ask ops for something (`commanding`); the kill key goes its own way (`kill`, `tty.driver`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from textual.app import ComposeResult
from textual.events import Resize

from schemas.channels import Keyring, KeyringError, Wire
from schemas.clock import NS_PER_MS, Clock, SystemClock
from schemas.settings import Home, Settings
from sovereign_tui.cockpit import screens
from sovereign_tui.cockpit.alarm import Alarm
from sovereign_tui.cockpit.canvas import Canvas
from sovereign_tui.cockpit.feed import Arrived, Feed
from sovereign_tui.cockpit.frame import Paint, framed
from sovereign_tui.cockpit.kill import KillSwitch, NoKillSwitch, Switch, issuer
from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.panes import banner, footer, header
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.replaying import PANE, REPLAY_SCREEN, Replaying
from sovereign_tui.cockpit.text import Row, clean
from sovereign_tui.cockpit.tty.guard import Guarded
from sovereign_tui.cockpit.tty.sequence import Run
from sovereign_tui.cockpit.tty.session import show
from sovereign_tui.cockpit.view import View
from sovereign_tui.replay.sessions import Session

_HEADER_ROWS: Final = 2
_ROWS_FOR_TAPE: Final = 30
_LONGEST_TOAST: Final = 200
_LONGEST_TITLE: Final = 60
_SETTINGS: Final = "8"
_EXPLAINED: Final = frozenset({"orders", "decisions", "signals"})
"""Panes whose chosen thing is an intent or an order."""


class Source(Protocol):
    """Where the messages come from."""

    def poll(self) -> list[Arrived]: ...


class Cockpit(Replaying):
    """The screen. `connect` opens the source on the app's own loop, and is called once."""

    def __init__(
        self, *, home: Home, settings: Settings, clock: Clock, kill: Switch, connect: Callable[[], Source],
        readonly: bool, who: str, no_color: bool = False, session: Session | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            home=home, settings=settings, clock=clock, readonly=readonly, who=who, press=kill.press,
            no_color=no_color, session=session,
        )  # fmt: skip
        self.view = View()
        self._kill = kill
        self._connect = connect
        self._source: Source | None = None
        self._still: tuple[View, int] | None = None
        self._alarm = Alarm()
        self._started_ns = clock.monotonic_ns()
        self._header, self._banner, self._tape, self._footer = (
            Canvas(name, self.palette) for name in ("header", "banner", "tape", "footer")
        )
        self._strokes: list[Run] | None = None
        self._touched: list[Canvas] = []
        """Of this frame: what is not written yet, and the canvases that it is of."""
        self._drawn: dict[str, tuple[int, object]] = {}
        """The panes that are shown: when each was drawn, and for what."""
        self._broken: set[str] = set()
        """Panes whose mistake is in the crash file."""
        self._panes = {name: Canvas(name, self.palette) for name in PANES}

    def compose(self) -> ComposeResult:
        """Canvases, placed by `paint`."""
        yield from (self._header, self._banner, *self._panes.values(), self._tape, self._footer)

    def on_mount(self) -> None:
        """Connects, and begins to paint."""
        self._source = self._connect()
        self.set_interval(1 / self._settings.cockpit.fps, self.frame)
        self.call_after_refresh(self.paint)
        self.note("attach", "read-only" if self._readonly else "")

    def on_resize(self, event: Resize) -> None:
        """A new size is a new arrangement at once."""
        if self._source is not None:
            self.paint()

    def on_unmount(self) -> None:
        """What was looked at is there again next time."""
        self.keep_memory()

    def paint(self) -> None:
        """One frame: take what came, fold it in, show it."""
        if self.must_wait:
            return
        self._strokes = self.strokes()
        self._take()
        now_ns = self._clock.monotonic_ns()
        live = self._moment(self.view, now_ns)
        width, height = self.size
        alarms = banner.draw(live, width)
        if self.player.plays and not self._alone:
            alarms = (*alarms, header.present(live, width))
        self.keep_clear(_HEADER_ROWS + len(alarms))
        self._ring(live)
        shown = self._shown(live)
        past = shown if self.player.plays else live
        self._show(self._header, Rect(0, 0, width, _HEADER_ROWS), header.draw(past, width))
        self._show(self._banner, Rect(0, _HEADER_ROWS, width, len(alarms)) if alarms else None, alarms)
        taped = height >= _ROWS_FOR_TAPE
        self._show(self._tape, Rect(0, height - 2, width, 1) if taped else None, (footer.tape(past, width),))
        self._paint_panes(shown, width, height, _HEADER_ROWS + len(alarms), 1 + taped)
        hints = (*self._body().hints, *self.hints)
        self._show(self._footer, Rect(0, height - 1, width, 1), (footer.draw(replace(live, keys=hints), width),))
        if self._strokes is not None:
            self.draw(self._strokes)
            self._touched.clear()

    def _shown(self, live: Paint) -> Paint:
        """What header and panes show: the present, a moment that is held still, or the past."""
        player = self.player
        told = player.shown(self.ui.pane(PANE).cursor) if self.ui.screen == REPLAY_SCREEN else live.player
        if player.source is not None:
            past_ns = player.source.clock.monotonic_ns()
            return replace(live, view=player.view, now_ns=past_ns, player=told, replay=self.replay_badge)
        if self._still is not None:
            view, at_ns = self._still
            return replace(live, view=view, now_ns=at_ns, player=told)
        return replace(live, player=told)

    def action_kill(self) -> None:
        """For drivers without an input thread of ours; a terminal's key never comes so far."""
        self._kill.press()
        self.paint()

    def action_freeze(self) -> None:
        """Holds the panes still; the data keeps arriving, header and banner stay live. A replay plays or pauses."""
        if self.player.plays:
            self.player.play_or_pause()
            self.paint()
            return
        self._still = None if self._still is not None else (self.view, self._clock.monotonic_ns())
        self.paint()

    def action_open(self) -> None:
        """What the cursor stands on."""
        what = self._body().chosen
        if what and self.selected in _EXPLAINED:
            self.explain(what)
        elif what and self.selected == "settings":
            self.edit(what)
        elif what and self.selected == PANE:
            self.open_session()

    def looking(self) -> Paint:
        """This moment, as the chosen pane sees it."""
        paint = self._shown(self._moment(self.view, self._clock.monotonic_ns()))
        return replace(paint, state=self.ui.pane(self.selected))

    def recolour(self) -> None:
        """All canvases, in the colours of the palette."""
        for canvas in (self._header, self._banner, self._tape, self._footer, *self._panes.values()):
            canvas.recolour(self.palette)

    def _paint_panes(self, paint: Paint, width: int, height: int, top: int, bottom: int) -> None:
        if self.ui.screen == _SETTINGS and not self.settings:
            self.settings = self.desk.rows()
            paint = replace(paint, settings=self.settings)
        places = screens.arrange(self.ui, width, height, top, bottom)
        paint = replace(paint, place=screens.place_of(self.ui, places))
        selected, now_ns = paint.selected, self._clock.monotonic_ns()
        alike = (paint.place, paint.frozen, paint.replay, paint.colours, paint.letters)
        for pane in self._drawn.keys() - places.keys():
            self._show(self._panes[pane], None, ())
            del self._drawn[pane]
        for pane, rect in places.items():
            if pane == selected:
                self._page = max(1, rect.height - 4)
            each, state = PANES[pane], self.ui.pane(pane)
            shown = (state, rect, pane == selected, alike)
            at_ns, before = self._drawn.get(pane, (0, None))
            if before == shown and now_ns - at_ns < each.every_ms * NS_PER_MS:
                continue
            self._drawn[pane] = (now_ns, shown)
            rows, body = framed(replace(paint, state=state), pane, each.name, each.draw, rect.width, rect.height)
            self.bodies[pane] = body
            if body.mistake is not None and pane not in self._broken:
                self._broken.add(pane)
                self._crashes.note(f"pane {pane}:", body.mistake)
            self._show(self._panes[pane], rect, rows)

    def _take(self) -> None:
        view = self.view
        now_ns = self._clock.monotonic_ns()
        for message, at_ns in self._source.poll() if self._source is not None else ():
            view = reduce(view, message, at_ns)
        for kill in self._kill.take_news():
            view = reduce(view, kill, now_ns)
        if note := self._kill.take_note():
            self.say(note)
        self.view = view
        self.player.work()

    def _moment(self, view: View, now_ns: int) -> Paint:
        settings = self._settings
        return Paint(
            view=view, now_ns=now_ns, stale_ms=settings.cockpit.stale_ms, started_ns=self._started_ns,
            screen=f"{self.ui.screen} {screens.SCREENS[self.ui.screen].name}",
            readonly=self._readonly, frozen=self._still is not None, selected=self.selected,
            venue=settings.venue.name, instrument=settings.venue.instrument, settings=self.settings,
            letters=settings.cockpit.chart, colours=self.palette.name != "mono", link=self.link, alone=self._alone,
            halts=not isinstance(self._kill, NoKillSwitch),
            note=self._note if self._clock.monotonic_ns() < self._note_until_ns else "",
        )  # fmt: skip

    def _show(self, canvas: Canvas, rect: Rect | None, rows: tuple[Row, ...]) -> None:
        if canvas.place(rect) and self._strokes is not None:  # Textual will lay it out, and shows the others with it
            self._strokes = None
            for touched in self._touched:
                touched.refresh()
            self._touched.clear()
        if canvas.show(rows, self._strokes):
            self._touched.append(canvas)

    def _ring(self, paint: Paint) -> None:
        """The bell, and for an alert a toast: once each."""
        news = self._alarm.news(paint)
        for alert in news.alerts:
            text, title = clean(alert.text)[:_LONGEST_TOAST], clean(alert.kind).replace("_", " ")[:_LONGEST_TITLE]
            self.notify(text, title=title, severity=news.severity(alert), markup=False)
        if news.rings and self._settings.cockpit.bell:
            self.bell()


def run(
    *, home: Home, settings: Settings, readonly: bool, halt: bool = True, guarded: Guarded | None = None,
    session: Session | None = None,
) -> int:  # fmt: skip
    """Shows the cockpit until it is left; returns the exit code. `halt` False: its kill key commands nothing.

    `session`: a recorded one, which is shown at once. Raises: KeyringError, before anything is drawn.
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
        home=home, settings=settings, clock=clock, kill=kill, connect=connect, readonly=readonly, who=who,
        no_color=bool(os.environ.get("NO_COLOR")), session=session,
    )  # fmt: skip
    return show(app, home, mouse=settings.cockpit.mouse, guarded=guarded)


__all__ = ["Cockpit", "KeyringError", "Source", "run"]
