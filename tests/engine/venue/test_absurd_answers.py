"""Answers of the right shape whose values cannot be: each is unexplained, and the engine goes on without new risk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.exchange.rest import Response
from engine.risk.trading_state import CauseName
from schemas.messages import Side
from tests.support.laboratory import Laboratory
from tests.support.trader import Trader, in_laboratory

ABSURD: list[tuple[str, dict[str, Any]]] = [
    ("public/time", {"ts": "99999999999999999"}),
    ("public/time", {"ts": "-99999999999999"}),
    ("public/time", {"ts": "0"}),
    ("public/time", {"ts": "9" * 400}),
    ("public/instruments", {"ctVal": ""}),
    ("public/instruments", {"ctVal": "0"}),
    ("public/instruments", {"ctMult": "-1"}),
    ("public/instruments", {"lotSz": "0"}),
    ("public/instruments", {"minSz": ""}),
    ("public/instruments", {"tickSz": "0"}),
    ("public/instruments", {"maxMktSz": "1e99999999999999999999"}),
    ("account/balance", {"details": [{"ccy": "USDT", "eq": "1e999999999999999999", "availEq": "1"}]}),
    ("account/positions", {"pos": "1e999999999999999999"}),
    ("account/positions", {"avgPx": "9e99999999999999"}),
    ("account/leverage-info", {"lever": "NaN"}),
    ("account/leverage-info", {"lever": "0"}),
    ("account/leverage-info", {"lever": "-5"}),
    ("trade/fills", {"ts": "9" * 30}),
    ("trade/fills", {"fillPnl": "1e999999999999999999"}),
    ("trade/orders-algo-pending", {"sz": "1e999999999999999999", "closeFraction": ""}),
    ("trade/orders-pending", {"state": "resting"}),
    ("trade/orders-pending", {"accFillSz": "1e999999999999999999"}),
]


def bend(lab: Laboratory, call: str, changes: dict[str, Any]) -> list[int]:
    """From now on every row of this GET has these values. Returns a list that gets a number for each bent answer."""
    truth, bent = lab.door.request, list[int]()

    async def request(method: str, raw_target: str, headers: Mapping[str, str], body: str) -> Response | None:
        response = await truth(method, raw_target, headers, body)
        path = raw_target.partition("?")[0]
        if response is None or method != "GET" or not path.endswith(f"/{call}"):
            return response
        envelope = orjson.loads(response.body)
        if not envelope["data"]:
            return response
        bent.append(len(bent))
        envelope["data"] = [row | changes for row in envelope["data"]]
        return Response(response.status, orjson.dumps(envelope))

    lab.door.request = request  # type: ignore[method-assign]
    return bent


@pytest.mark.parametrize(("call", "changes"), ABSURD)
def test_a_value_that_cannot_be_is_unexplained_and_ends_nothing(
    tmp_path: Path, call: str, changes: dict[str, Any]
) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, "2")
        await trader.told(Side.BUY, "1", away=50)
        await asyncio.sleep(3)
        await lab.crash()
        bent = bend(lab, call, changes)
        life = await lab.start()
        await asyncio.sleep(12)
        assert bent != []
        assert life.failed() is None
        assert life.causes.stands(CauseName.UNEXPLAINED)
        assert [text for _, text in life.said if "guide does not explain" in text and call in text] != []

    in_laboratory(tmp_path, act)
