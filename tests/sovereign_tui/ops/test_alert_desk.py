from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from schemas.messages import Alert, Cause, TradingState
from schemas.settings import Settings
from sovereign_tui.ops.alert_desk import AlertDesk
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.supervisor import Life, State
from sovereign_tui.ops.watch import EngineView
from tests.sovereign_tui.ops.test_watch import STATE
from tests.support.clock import ManualClock


@dataclass
class Process:
    """A child as the desk sees it."""

    pid: int = 7
    state: State = State.RUNNING
    life: Life = field(default_factory=Life)


class Scene:
    """A desk, an engine that says what it is told to, and what was published."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = Process()
        self.view = EngineView(known=False)
        self.metrics: dict[tuple[str, int, str], float] = {}
        self.published: list[Alert] = []
        self.log: list[str] = []
        self.desk = AlertDesk(
            settings=Settings(), clock=self.clock, children={"engine": cast(Child, self.engine)},
            engine=lambda: self.view, halt_id=lambda: None,
            metric=lambda process, pid, name: self.metrics.get((process, pid, name)), publish=self.published.append,
            log=lambda level, text: self.log.append(text),
        )  # fmt: skip

    def says(self, *names: str) -> None:
        causes = tuple(
            Cause(name=name, since_ns=self.clock.wall_ns(), detail="why", forces=TradingState.REDUCING)
            for name in names
        )
        fields: dict[str, Any] = {name: getattr(STATE, name) for name in STATE.__struct_fields__}
        self.view = EngineView(known=True, state=type(STATE)(**(fields | {"causes": causes})))

    def turn(self) -> list[tuple[str, bool]]:
        self.published.clear()
        self.desk.turn()
        return [(alert.kind, alert.active) for alert in self.published]


def test_a_brain_that_was_alive_and_is_silent_is_told_again_and_again_to_the_screens_until_it_is_over() -> None:
    scene = Scene()
    scene.says()
    assert scene.turn() == []
    scene.says("brain_dead")
    assert [scene.turn() for _ in range(3)] == [[("brain_death", True)]] * 3
    assert [alert.kind for alert in scene.desk.standing()] == ["brain_death"]
    scene.says()
    assert [scene.turn() for _ in range(2)] == [[("brain_death", False)], []]


def test_under_a_young_engine_the_brain_has_its_time_to_start() -> None:
    scene = Scene()
    scene.says("brain_dead")
    assert scene.turn() == []
    scene.clock.advance(s=29)
    assert scene.turn() == []
    scene.clock.advance(s=1)
    assert scene.turn() == [("brain_death", True)]


def test_a_restarted_engine_that_has_not_heard_the_brain_yet_raises_no_alert() -> None:
    scene = Scene()
    scene.says()
    scene.turn()
    scene.engine.pid = 8
    scene.says("brain_dead")
    assert scene.turn() == []


def test_the_loss_is_that_of_the_engine_that_runs() -> None:
    scene = Scene()
    scene.says()
    for name, pct in (("daily_loss_pct", 2.5), ("daily_loss_limit_pct", 3.0)):
        scene.metrics["engine", 6, name] = pct
    assert scene.turn() == []
    scene.engine.pid = 6
    assert scene.turn() == [("loss_80", True)]


def test_a_process_that_was_given_up_is_named_with_its_reason() -> None:
    scene = Scene()
    scene.engine.state, scene.engine.life = State.FATAL, Life(reason="exit code 78: no key")
    assert scene.turn() == [("process_fatal", True)]
    assert scene.published[0].text == "engine is not started any more: exit code 78: no key"


def test_an_acknowledgement_is_published_at_once_and_logged() -> None:
    scene = Scene()
    assert scene.desk.acknowledge("", 0, "me") == (False, "no alert at all stands; nothing to acknowledge")
    scene.says()
    scene.turn()
    scene.says("brain_dead")
    scene.turn()
    scene.published.clear()
    assert scene.desk.acknowledge("brain_death", 0, "m\x1be") == (True, "acknowledged: brain_death (by m?e)")
    assert [(alert.kind, alert.acknowledged_by) for alert in scene.published] == [("brain_death", "m?e")]
    assert scene.log == ["alerts acknowledged: brain_death (by m?e)"]
    scene.turn()
    assert scene.published[0].acknowledged_by == "m?e"


def test_a_feed_that_is_away_while_a_restarted_engine_asks_the_venue_is_no_alert() -> None:
    scene = Scene()
    scene.says("feed_stale", "reconciling")
    for _ in range(10):
        scene.clock.advance(s=1)
        assert scene.turn() == []
    scene.says("feed_stale")
    turns = []
    for _ in range(5):
        turns.append(scene.turn())
        scene.clock.advance(s=1)
    assert turns == [[], [], [], [], [("stale_feed", True)]]
    state = scene.view.state
    assert state is not None
    anew = Cause(name="reconciling", since_ns=1, detail="", forces=TradingState.HALTED)
    scene.view = EngineView(known=True, state=msgspec.structs.replace(state, causes=(anew, *state.causes)))
    assert scene.turn() == [("stale_feed", True)], "asked anew in the same life, it is stale all the same"
