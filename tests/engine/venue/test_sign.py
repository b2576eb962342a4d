from __future__ import annotations

from engine.exchange import auth
from engine.exchange.config import Credentials as VenueCredentials
from engine.venue.sign import Credentials, rest_headers

WALL_NS = 1_786_541_241_006_000_000
KEYS = {"api_key": "key", "secret": "22582BD0CFF14C41EDBF1AB98506286D", "passphrase": "phrase"}
REQUEST = {"method": "GET", "target": "/api/v5/account/config?x=1", "body": ""}


def test_the_venue_believes_a_signed_request() -> None:
    headers = rest_headers(Credentials(**KEYS), wall_ns=WALL_NS, **REQUEST)
    target = REQUEST["target"]
    assert auth.check_rest(VenueCredentials(**KEYS), headers, "GET", target, "", WALL_NS // 1_000_000) is None
    assert headers["OK-ACCESS-TIMESTAMP"] == "2026-08-12T13:27:21.006Z"


def test_only_a_key_for_simulated_trading_sends_its_header_and_nothing_else_changes() -> None:
    live = rest_headers(Credentials(**KEYS), wall_ns=WALL_NS, **REQUEST)
    demo = rest_headers(Credentials(**KEYS, simulated=True), wall_ns=WALL_NS, **REQUEST)
    assert demo == live | {"x-simulated-trading": "1"}


def test_no_secret_is_in_the_repr() -> None:
    assert repr(Credentials(**KEYS, simulated=True)) == "Credentials(simulated=True)"
