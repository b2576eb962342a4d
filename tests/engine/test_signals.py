"""Which signals the engine obeys, by their age."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.signals import SignalDesk
from schemas import codec
from schemas.clock import NS_PER_S
from schemas.messages import Signal, SignalKind
from tests.support.clock import ManualClock


class Engine:
    """A desk whose neighbours note what they are told."""

    def __init__(self) -> None:
        self.clock, self.done, self.said = ManualClock(), list[str](), list[str]()

        def note(answer: Any, name: str) -> Any:
            return lambda *_, **__: self.done.append(name) or answer

        reporter = SimpleNamespace(log=lambda level, text: self.said.append(f"{level}: {text}"), send=lambda *_: None)
        self.desk = SignalDesk(
            runtime=SimpleNamespace(reporter=reporter, name="engine"),  # type: ignore[arg-type]
            halt=SimpleNamespace(on_signal=note(None, "halt"), on_resume=note((True, ""), "resume")),  # type: ignore[arg-type]
            rehearsal=SimpleNamespace(on_signal=note(None, "rehearse")),  # type: ignore[arg-type]
            limits=SimpleNamespace(change=note((True, ""), "change"), rearm=note("", "rearm")),  # type: ignore[arg-type]
            trading=SimpleNamespace(rearm=lambda: "", account=None),  # type: ignore[arg-type]
            ops=SimpleNamespace(heard=lambda _: None),  # type: ignore[arg-type]
            clock=self.clock,
        )

    def hears(self, kind: SignalKind, *, said_ns: int) -> None:
        signal = Signal(kind=kind, id="s1", issuer="ann@desk", reason="", timestamp_ns=said_ns)
        self.desk.on_signal("signal", 1, said_ns, memoryview(codec.encode_signal(signal)))


ASKED = {
    SignalKind.SYSTEM_RESUME: "resume", SignalKind.CONFIG_UPDATE: "change", SignalKind.REARM: "rearm",
    SignalKind.REHEARSE: "rehearse",
}  # fmt: skip


@pytest.mark.parametrize("kind", ASKED)
def test_what_waited_while_the_engine_stood_still_is_not_done_and_said(kind: SignalKind) -> None:
    engine = Engine()
    said_ns = engine.clock.wall_ns()
    engine.clock.advance(s=1, ms=1)
    engine.hears(kind, said_ns=said_ns)
    assert engine.done == []
    assert engine.said == [f"warning: {kind.name} of ann@desk came too late; not done"]
    engine.hears(kind, said_ns=engine.clock.wall_ns() - NS_PER_S)
    assert engine.done == [ASKED[kind]]


def test_a_halt_is_obeyed_at_any_age() -> None:
    engine = Engine()
    engine.clock.advance(s=3_600)
    engine.hears(SignalKind.SYSTEM_HALT, said_ns=1)
    assert engine.done == ["halt"]


@pytest.mark.parametrize("step_s", [-3_600, 3_600])
def test_a_clock_that_somebody_sets_keeps_no_signal_from_the_engine(step_s: float) -> None:
    engine = Engine()
    engine.clock.advance(s=60)
    engine.clock.step_wall(s=step_s)
    engine.hears(SignalKind.FLATTEN, said_ns=engine.clock.wall_ns())
    assert engine.done == ["halt"]


def test_what_was_said_to_a_former_life_is_not_done() -> None:
    engine = Engine()
    engine.hears(SignalKind.FLATTEN, said_ns=engine.clock.wall_ns() - 1)
    assert (engine.done, engine.said) == ([], [])


def test_a_kind_that_only_a_newer_ops_knows_is_ignored_and_said() -> None:
    engine = Engine()
    known = Signal(kind=SignalKind.REHEARSE, id="s1", issuer="", reason="", timestamp_ns=engine.clock.wall_ns())
    payload = bytearray(codec.encode_signal(known))
    assert payload[:2] == b"\x08\x08"
    payload[1] = 9  # what REHEARSE is to an engine from before it
    engine.desk.on_signal("signal", 1, 0, memoryview(payload))
    assert engine.done == []
    assert engine.said == [
        "warning: signal dropped: Signal: unknown kind 9; a newer ops? restart this process",
    ]


def test_a_setting_that_is_no_limit_changes_nothing_and_is_said_to_be_for_the_next_start() -> None:
    engine = Engine()
    answers: list[tuple[bool, str]] = []
    engine.desk._runtime.reporter.send = lambda kind, data: answers.append((data["ok"], data["text"]))  # type: ignore[method-assign]
    for changes in ({"safety.dead_man_s": "60"}, {"sizing.tp_pct": "1.0"}, {"brain.frames": "x"}, {"risk.x": "1"}, {}):
        said_ns = engine.clock.wall_ns()
        signal = Signal(
            kind=SignalKind.CONFIG_UPDATE, id="s1", issuer="me", reason="", timestamp_ns=said_ns, changes=changes
        )
        engine.desk.on_signal("signal", 1, said_ns, memoryview(codec.encode_signal(signal)))
    assert [text for _, text in answers] == [
        "takes it at its next start", "not its own", "takes it at its next start", "", "",
    ]  # fmt: skip
    assert engine.done == ["change", "change"], "limits alone are the limits' matter"
