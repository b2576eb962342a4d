"""What keys do to a replay: choose a session, play, stop, go to a time. Ctrl+K halts the system that runs, as ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.clock import Clock
from schemas.settings import Home, Settings
from sovereign_tui.cockpit import ui
from sovereign_tui.cockpit.commanding import Commanding
from sovereign_tui.cockpit.player import LONG_STEP_S, STEP_S, Player
from sovereign_tui.cockpit.text import clock_text
from sovereign_tui.replay.sessions import Session

REPLAY_SCREEN: Final = "9"
PANE: Final = "replay"


class Replaying(Commanding):
    """The part of the app that knows whether the past is shown."""

    def __init__(
        self, *, home: Home, settings: Settings, clock: Clock, readonly: bool, who: str, press: Callable[[], None],
        no_color: bool,
        session: Session | None,
    ) -> None:  # fmt: skip
        super().__init__(
            home=home, settings=settings, clock=clock, readonly=readonly, who=who, press=press, no_color=no_color
        )  # fmt: skip
        self.player = Player(home.blackbox, clock)
        self._alone = session is not None
        """Only a recorded session is shown: leaving it leaves the screen."""
        if session is not None:
            self.ui = ui.on_screen(self.ui, REPLAY_SCREEN)
            self.player.open(session)

    @property
    def replay_badge(self) -> str:
        """When it is that is shown, and at what speed; "" for the present."""
        source = self.player.source
        if source is None:
            return ""
        clock = source.clock
        speed = f"{clock.speed:g}x" if clock.playing else "paused"
        return f"{clock_text(clock.wall_ns())} {speed}"

    def action_screen(self, key: str) -> None:
        """The sessions are looked for as their screen is."""
        if key == REPLAY_SCREEN and not self.player.plays:
            self.player.look()
        super().action_screen(key)

    def action_leave(self) -> None:
        """A screen that was opened for a recorded session is left at once: nothing runs that could be stopped."""
        if self._alone:
            self.exit(return_code=0)
        else:
            super().action_leave()

    def action_present(self) -> None:
        """From the past to the list of sessions, and to the present."""
        if self.player.plays or self.selected == PANE:
            self.player.close()
            self.player.look()
            self.say("this is the present")
            self.paint()

    def action_faster(self, step: int) -> None:
        """The speed of a replay."""
        self.player.faster(yes=step > 0)
        self.paint()

    def action_leap(self, step: int) -> None:
        """A minute of a replay."""
        self.player.step(step * LONG_STEP_S)
        self.paint()

    def action_move(self, way: str) -> None:
        """In the pane of a replay that plays: to its ends."""
        if self.selected == PANE and self.player.plays and way in {"first", "last"}:
            self.player.end(last=way == "last")
            self.paint()
        else:
            super().action_move(way)

    def action_turn(self, what: str, step: int) -> None:
        """In the pane of a replay: a few seconds, or the next event."""
        if self.selected != PANE or not self.player.plays:
            super().action_turn(what, step)
            return
        if what == "side":
            self.player.step(step * STEP_S)
        else:
            self.player.jump(forward=step > 0)
        self.paint()

    def open_session(self) -> None:
        """The one under the cursor."""
        if not self.player.plays:
            self.player.open_chosen(self.ui.pane(PANE).cursor)
            self.paint()
