from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import SignalKind
from schemas.settings import Settings
from schemas.settings.venues import Venue
from sovereign_tui.ops.adjust import AdjustDesk, Adjusted
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.telemetry import SignalAck

KEY = "risk.max_orders_per_s"
Sent = tuple[SignalKind, str, dict[str, str]]


class Engine:
    """Answers every signal with `answer`; None: with nothing. `others` says what the others that run answer, if
    anything."""

    def __init__(
        self, answer: Callable[[Sent], bool] | None = lambda sent: True, *, others: Mapping[str, str | None] = {},
        venue: str = "sim",
    ) -> None:  # fmt: skip
        self.others = others
        self.answer = answer
        self.sent: list[Sent] = []
        self.ids: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.asker = Asker(self, wait_s=0.05 if answer is None else 5)
        self.desk = AdjustDesk(
            asker=self.asker, settings=Settings(venue=Venue(name=venue)),
            running=lambda: {"engine", *others}, log=lambda level, text: self.log.append((level, text)),
        )  # fmt: skip

    def signal(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "", id_: str | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        sent = (kind, target, dict(changes or {}))
        self.sent.append(sent)
        self.ids.append(id_ or f"s{len(self.ids)}")
        if self.answer is not None:
            ack = SignalAck(id=self.ids[-1], kind=kind.name, ok=self.answer(sent), text="said")
            asyncio.get_running_loop().call_soon(self.asker.on_ack, ack)
        for name, text in self.others.items():
            if text is not None:
                ack = SignalAck(id=self.ids[-1], kind=kind.name, ok=True, text=text)
                asyncio.get_running_loop().call_soon(self.asker.on_ack, ack, name)
        return self.ids[-1]

    def change(self, value: str, *, confirmed: bool = False, key: str = KEY) -> Adjusted:
        return asyncio.run(self.desk.change(key, value, confirmed=confirmed, issuer="me"))


def test_a_tightening_goes_at_once_and_is_logged_with_both_values() -> None:
    engine = Engine()
    assert engine.change("3") == Adjusted(
        ok=True, text=f"{KEY}: 5 -> 3", old="5", new="3",
        processes={"engine": "said", "ops": "judges by 3 from now on"},
    )  # fmt: skip
    assert engine.sent == [(SignalKind.CONFIG_UPDATE, "", {KEY: "3"})]
    assert engine.log == [("info", f"{KEY}: 5 -> 3 (not loosened) by me")]


def test_a_loosening_is_not_sent_before_it_is_confirmed_and_then_says_so_to_the_engine() -> None:
    engine = Engine()
    asked = engine.change("6")
    assert asked == Adjusted(
        ok=False, text=f"{KEY}: 5 -> 6 allows more than now; it needs your confirmation", old="5", new="6",
        loosening=True,
    )  # fmt: skip
    assert (engine.sent, engine.log) == ([], [])
    assert engine.change("6", confirmed=True).ok
    assert engine.sent == [(SignalKind.CONFIG_UPDATE, "confirmed", {KEY: "6"})]
    assert engine.log == [("warning", f"{KEY}: 5 -> 6 (loosened, confirmed) by me")]


def test_a_confirmation_that_was_not_needed_is_not_passed_on() -> None:
    engine = Engine()
    assert engine.change("3", confirmed=True).ok
    assert engine.sent == [(SignalKind.CONFIG_UPDATE, "", {KEY: "3"})]


def test_what_is_in_force_is_what_the_engine_took_last() -> None:
    engine = Engine(lambda sent: sent[2] != {KEY: "2"})
    assert engine.change("3").ok
    refused = engine.change("2")
    assert (refused.ok, refused.text) == (False, "said; 3 stays")
    assert engine.change("5").loosening  # back to the start is more than now
    assert not engine.change("3").loosening


def test_a_silent_engine_is_asked_again_with_the_same_id_and_then_named() -> None:
    engine = Engine(None)
    assert engine.change("3").text == "the engine has not answered within 0.05 s; 5 stays"
    assert set(engine.ids) == {"s0"}
    assert len(engine.ids) >= 2
    assert engine.log[0][0] == "warning"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("brain.no_such", "3", "unknown setting 'brain.no_such'"),
        ("no_such.key", "3", "unknown setting 'no_such.key'"),
        ("nonsense", "3", "unknown setting 'nonsense'"),
        ("brain.votes_needed", "9", "brain.votes_needed = 9: Input should be less than or equal to"),
        ("brain.history_bars", "24", "give another value"),
        ("alerts.url", '"https://x/?token=hush"', "alerts.url may hold a secret, and is told nobody"),
        ("risk.no_such", "3", "not a key of [risk]"),
        (KEY, "-1", "greater than or equal to 0"),
        (KEY, "many", "valid integer"),
    ],
)
def test_what_is_wrong_never_reaches_the_engine(key: str, value: str, said: str) -> None:
    engine = Engine()
    refused = engine.change(value, key=key, confirmed=True)
    assert (refused.ok, said in refused.text, engine.sent) == (False, True, [])


def test_a_rearm_is_done_when_the_engine_says_so() -> None:
    engine = Engine()
    assert asyncio.run(engine.desk.rearm("me", "looked at it")) == Adjusted(ok=True, text="said")
    assert engine.sent == [(SignalKind.REARM, "", {})]
    assert engine.log == [("warning", "REARM asked by me (looked at it): said")]
    assert not asyncio.run(Engine(lambda sent: False).desk.rearm("me", "")).ok


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=6))
def test_without_a_confirmation_a_limit_only_ever_falls(asked: list[tuple[int, bool]]) -> None:
    engine, limit = Engine(), 5
    for value, confirmed in asked:
        done = engine.change(str(value), confirmed=confirmed)
        assert done.ok == (confirmed or value <= limit)
        assert done.old == str(limit)
        limit = value if done.ok else limit


LATER = "it counts from the next start, once the settings file has it"


def test_what_is_no_limit_is_said_by_every_process_and_counts_from_the_next_start() -> None:
    engine = Engine(others={"brain": "takes it at its next start"})
    done = engine.change("3", key="brain.votes_needed")
    assert done == Adjusted(
        ok=True, text=f"brain.votes_needed: 2 -> 3; {LATER}", old="2", new="3",
        processes={"engine": "said", "brain": "takes it at its next start", "ops": "not its own"},
    )  # fmt: skip
    assert engine.sent == [(SignalKind.CONFIG_UPDATE, "", {"brain.votes_needed": "3"})]
    assert engine.log == [("info", f"{done.text}; by me")]


def test_a_process_that_does_not_answer_is_named_and_it_is_not_ok() -> None:
    engine = Engine(others={"brain": None})
    engine.asker.wait_s = 0.05
    done = engine.change("3", key="brain.votes_needed")
    assert not done.ok
    assert done.text == f"brain has not answered within 0.05 s; brain.votes_needed: 2 -> 3; {LATER}"
    assert done.processes == {"engine": "said", "brain": "has not answered", "ops": "not its own"}


def test_a_limit_is_the_engines_matter_whatever_the_brain_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovereign_tui.ops.asking._BESIDE_S", 0.01)
    done = Engine(others={"brain": None}).change("3")
    assert (done.ok, done.processes["brain"]) == (True, "has not answered")
    answering = Engine(lambda sent: False, others={"brain": "not its own"}).change("3")
    assert (answering.ok, answering.text) == (False, "said; 5 stays")
    assert answering.processes == {"brain": "not its own", "engine": "said", "ops": "5 stays"}


@pytest.mark.parametrize(("key", "value"), [(KEY, "3"), ("brain.votes_needed", "3")])
def test_on_the_venue_live_every_change_is_confirmed(key: str, value: str) -> None:
    engine = Engine(venue="live")
    asked = engine.change(value, key=key)
    assert (asked.ok, asked.loosening, engine.sent) == (False, True, [])
    assert asked.text.endswith("on the venue live: every change needs your confirmation")
    assert engine.change(value, key=key, confirmed=True).ok
    assert engine.sent == [(SignalKind.CONFIG_UPDATE, "", {key: value})], "no loosening is smuggled in"
