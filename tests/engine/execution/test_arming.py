"""What must be right about the account before anything is traded, asked of an exchange where it is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.execution.arming import check_account
from engine.venue.check import judge
from schemas.process import StartError
from tests.engine.exchange.clients import Door, hedged
from tests.support.books import Bookkeeping
from tests.support.laboratory import Laboratory
from tests.support.virtual import LoopClock, run_virtually

REFUSAL = "venue: position mode is 'long_short_mode', 'net_mode' needed; set it at the venue"


def test_the_engine_ends_by_name_if_the_account_is_in_hedge_mode(tmp_path: Path) -> None:
    async def story(clock: LoopClock) -> None:
        lab = Laboratory(tmp_path, clock)
        lab.exchange.set_position_mode(hedged=True)
        life = await lab.start()
        await asyncio.wait(life._tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        failure = life.failed()
        assert isinstance(failure, ExceptionGroup)
        assert [(type(error), str(error)) for error in failure.exceptions] == [(StartError, REFUSAL)]
        assert not life.trading.reconciled.is_set()
        await lab.close()

    run_virtually(story)


def test_an_account_in_hedge_mode_is_refused_before_anything_is_set_and_taken_once_it_is_in_net_mode(
    tmp_path: Path,
) -> None:
    async def story(clock: LoopClock) -> None:
        lab = Laboratory(tmp_path, clock)
        books, venue = Bookkeeping(lab, tmp_path / "b.log"), lab.settings.venue
        lab.exchange.set_position_mode(hedged=True)
        with pytest.raises(StartError) as caught:
            await check_account(books.rest, venue)
        assert (str(caught.value), books.calls) == (REFUSAL, ["GET /account/config"])
        lab.exchange.set_position_mode(hedged=False)
        assert await check_account(books.rest, venue) == []
        books.journal.close()
        await lab.close()

    run_virtually(story)


def test_keys_check_names_the_mode_of_an_account_that_is_really_in_it() -> None:
    problem = "position mode is 'long_short_mode', 'net_mode' needed; set it at the venue"
    found = [judge(door("GET", "account/config")["data"][0]) for door in (Door(), hedged())]
    assert found == [[], [problem]]
