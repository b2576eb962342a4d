from __future__ import annotations

from typing import Any

import pytest

from engine.__main__ import place_to_trade
from engine.venue.sign import Credentials
from schemas.process import EXIT_CONFIG, StartError
from schemas.settings.tree import Venue
from schemas.settings.venues import ENVIRONMENTS, Environment

KEYS = {"SOVEREIGN_API_KEY": "a", "SOVEREIGN_SECRET": "b", "SOVEREIGN_PASSPHRASE": "c"}
CONFIRMED = {"SOVEREIGN_LIVE_CONFIRMED": "BTC-USDT-SWAP"}
LOCAL = {"rest_url": "http://127.0.0.1:1", "ws_url": "ws://127.0.0.1:1/ws/v5"}


def venue(name: str, **more: Any) -> Venue:
    return Venue.model_validate({"name": name, **more})


def test_demo_and_live_have_urls_of_their_own_and_only_demo_is_simulated() -> None:
    keys = Credentials(api_key="a", secret="b", passphrase="c")
    assert place_to_trade(venue("live"), KEYS | CONFIRMED) == (ENVIRONMENTS["live"], keys)
    demo = Credentials(api_key="a", secret="b", passphrase="c", simulated=True)
    assert place_to_trade(venue("demo"), KEYS) == (ENVIRONMENTS["demo"], demo)


@pytest.mark.parametrize("name", ["sim", "paper"])
def test_sim_and_paper_trade_where_the_exchange_process_says(name: str) -> None:
    where, keys = place_to_trade(venue(name, **LOCAL), KEYS)
    assert where == Environment(name=name, feed=name == "paper", **LOCAL)
    assert not keys.simulated


@pytest.mark.parametrize(
    ("name", "urls", "environ", "said"),
    [
        ("live", {}, KEYS, "nobody has confirmed BTC-USDT-SWAP"),
        ("live", LOCAL, KEYS | {"SOVEREIGN_LIVE_CONFIRMED": "ETH-USDT-SWAP"}, "nobody has confirmed BTC-USDT-SWAP"),
        ("live", {}, KEYS | {"SOVEREIGN_LIVE_CONFIRMED": "1"}, "nobody has confirmed BTC-USDT-SWAP"),
        ("live", {}, CONFIRMED, "SOVEREIGN_API_KEY, SOVEREIGN_SECRET, SOVEREIGN_PASSPHRASE not set"),
        ("demo", {}, {**KEYS, "SOVEREIGN_SECRET": ""}, "SOVEREIGN_SECRET not set; `sovereign keys set demo`"),
        ("demo", {"rest_url": "http://x"}, KEYS, "they switch together"),
        ("sim", {}, KEYS, "`sovereign up` sets them for the venue sim"),
        ("paper", {}, KEYS, "`sovereign up` sets them for the venue paper"),
    ],
)
def test_what_is_missing_is_refused_with_78_and_the_mend(
    name: str, urls: dict[str, str], environ: dict[str, str], said: str
) -> None:
    with pytest.raises(StartError) as caught:
        place_to_trade(venue(name, **urls), environ)
    assert said in str(caught.value)
    assert caught.value.code == EXIT_CONFIG
