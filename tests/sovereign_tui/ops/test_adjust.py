from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import SignalKind
from schemas.settings import Settings
from sovereign_tui.ops.adjust import AdjustDesk, Adjusted
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.telemetry import SignalAck

KEY = "risk.max_orders_per_s"
Sent = tuple[SignalKind, str, dict[str, str]]


class Engine:
    """Answers every signal with `answer`; None: with nothing."""

    def __init__(self, answer: Callable[[Sent], bool] | None = lambda sent: True) -> None:
        self.answer = answer
        self.sent: list[Sent] = []
        self.ids: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.asker = Asker(self, wait_s=0.05 if answer is None else 5)
        self.desk = AdjustDesk(
            asker=self.asker, risk=Settings().risk, log=lambda level, text: self.log.append((level, text))
        )

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
        return self.ids[-1]

    def change(self, value: str, *, confirmed: bool = False, key: str = KEY) -> Adjusted:
        return asyncio.run(self.desk.change(key, value, confirmed=confirmed, issuer="me"))


def test_a_tightening_goes_at_once_and_is_logged_with_both_values() -> None:
    engine = Engine()
    assert engine.change("3") == Adjusted(ok=True, text=f"{KEY}: 5 -> 3", old="5", new="3")
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
        ("brain.votes_needed", "3", "not a key of [risk], which alone a running system takes"),
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
