"""The kill key, where ops is there and of no use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from schemas import haltfile
from schemas.clock import SystemClock
from schemas.settings import Home
from sovereign_tui.cockpit import kill
from sovereign_tui.cockpit.kill import KillSwitch
from sovereign_tui.cockpit.view import Kill, KillPhase


@pytest.mark.parametrize(
    "answer", [{"progress": {"no": "receipt"}}, {"neither": 1}, OSError(24, "Too many open files")]
)
def test_an_answer_of_ops_that_is_of_no_use_does_not_keep_the_halt_from_the_engine(
    home: Home, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | OSError
) -> None:
    def stream(*_: object, **__: object) -> Iterator[dict[str, Any]]:
        if isinstance(answer, OSError):
            raise answer
        yield answer

    monkeypatch.setattr(kill, "stream_blocking", stream)
    switch = KillSwitch(home, SystemClock(), "me@tty")
    switch._ask(Kill(number=1, pressed_ns=SystemClock().monotonic_ns()))
    assert [news.phase for news in switch.take_news()] == [KillPhase.FAILED]
    found = haltfile.read(home.runtime)
    assert found is not None
    assert (found.issuer, found.reason) == ("me@tty", kill.REASON)
