"""A list of many pages, of a venue that has no time for so many calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from engine.venue.answers import VenueBusy
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from tests.support.virtual import LoopClock, run_virtually

FILLS = 12_345
CREDENTIALS = Credentials(api_key="k", secret="s", passphrase="p")
BUSY = orjson.dumps({"code": "50011", "msg": "Too Many Requests", "data": []})


class Venue:
    """So many fills, newest first, and only so many calls in two seconds."""

    def __init__(self, clock: LoopClock, *, calls: int) -> None:
        self._clock, self._most = clock, calls
        self._times: list[float] = []
        self.asked = 0

    async def __call__(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        self.asked += 1
        now = self._clock.monotonic_ns() / 1e9
        self._times = [at for at in self._times if now - at < 2]
        if len(self._times) >= self._most:
            return 429, BUSY
        self._times.append(now)
        newest = int(parse_qs(urlsplit(target).query).get("after", [str(FILLS)])[0])
        rows = [
            {"instId": "I", "tradeId": str(one), "ordId": str(one), "billId": str(one), "ts": "1721347020000"}
            for one in range(newest - 1, max(newest - 101, -1), -1)
        ]
        return 200, orjson.dumps({"code": "0", "data": rows})


def play(work: Callable[[Rest, Venue], Any], *, calls: int) -> None:
    async def act(clock: LoopClock) -> None:
        venue = Venue(clock, calls=calls)
        await work(Rest(venue, credentials=CREDENTIALS, clock=clock), venue)

    run_virtually(act)


def test_a_day_of_thousands_of_fills_is_read_to_its_end_at_the_pace_that_the_venue_allows() -> None:
    async def work(rest: Rest, venue: Venue) -> None:
        found = await rest.fills("I", since_ms=1)
        assert [int(fill.tradeId) for fill in found] == list(range(FILLS - 1, -1, -1))
        assert venue.asked < 200  # 124 pages, and each is asked for again a few times at the most

    play(work, calls=60)


def test_a_venue_that_never_has_time_is_an_error_in_the_end() -> None:
    async def work(rest: Rest, venue: Venue) -> None:
        with pytest.raises(VenueBusy):
            await rest.fills("I", since_ms=1)
        assert venue.asked == 5

    play(work, calls=0)
