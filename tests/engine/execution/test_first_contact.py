"""The first thing that is asked of a venue: is the account as trading needs it?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from engine.exchange.faults.switchboard import Fault
from engine.execution.arming import check_account
from engine.execution.reconcile import Finding
from engine.venue.answers import VenueRefused
from engine.venue.keys import judge
from schemas.process import EXIT_CONFIG, StartError
from schemas.settings.tree import Venue
from tests.support.laboratory import Laboratory
from tests.support.virtual import LoopClock, run_virtually

GOOD = {"perm": "read_only,trade", "posMode": "net_mode", "acctLv": "2"}
BAD = {"perm": "withdraw", "posMode": "long_short_mode", "acctLv": "1"}


class FakeRest:
    def __init__(self, config: dict[str, str], refusal: VenueRefused | None = None) -> None:
        self._config, self._refusal = config, refusal
        self.set: list[tuple[str, int, str]] = []

    async def config(self) -> dict[str, str]:
        return self._config

    async def set_leverage(self, instrument: str, leverage: int, mode: str) -> None:
        self.set.append((instrument, leverage, mode))
        if self._refusal is not None:
            raise self._refusal

    async def leverage(self, instrument: str, mode: str) -> int:
        return 3


def checked(rest: FakeRest) -> list[Finding]:
    return asyncio.run(check_account(cast(Any, rest), Venue()))


def test_a_good_account_gets_its_leverage_and_gives_no_findings() -> None:
    rest = FakeRest(GOOD)
    assert checked(rest) == []
    assert rest.set == [("BTC-USDT-SWAP", 5, "isolated")]


def test_everything_that_is_wrong_with_an_account_is_said_at_once_and_nothing_is_changed_there() -> None:
    rest = FakeRest(BAD)
    with pytest.raises(StartError) as caught:
        checked(rest)
    assert str(caught.value).splitlines() == [f"venue: {problem}" for problem in judge(BAD)]
    assert len(judge(BAD)) == 4
    assert caught.value.code == EXIT_CONFIG
    assert rest.set == []


def test_a_leverage_that_the_venue_refuses_is_a_finding_and_what_stands_is_named() -> None:
    refusal = VenueRefused("/account/set-leverage", "59107", "orders rest")
    text = "the venue refused 5x (/account/set-leverage: 59107 orders rest); 3x stands"
    assert checked(FakeRest(GOOD, refusal)) == [Finding(name="leverage_kept", text=text)]


def test_a_venue_that_does_not_answer_at_first_is_asked_again_and_that_is_said_once(tmp_path: Path) -> None:
    async def life(clock: LoopClock) -> None:
        lab = Laboratory(tmp_path, clock)
        lab.faults.arm_all((Fault(name="unavailable", times=3, call="account/config"),))
        armed = await lab.armed()
        said = [text for _, text in armed.said if text.startswith("first contact")]
        assert len(said) == 1
        assert "50001" in said[0]
        assert said[0].endswith("again every 1 s")
        await lab.close()

    run_virtually(life)
