from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings.tree import Venue
from schemas.settings.venues import ENVIRONMENTS, Environment, VenueMismatch, environment


def test_url_header_and_keys_of_a_venue_switch_together() -> None:
    assert environment(Venue.model_validate({"name": "demo"})) == Environment(
        name="demo",
        rest_url="https://www.okx.com",
        ws_url="wss://wspap.okx.com:8443/ws/v5",
        simulated=True,
        keys="demo",
    )
    assert environment(Venue.model_validate({"name": "live"})) == Environment(
        name="live", rest_url="https://www.okx.com", ws_url="wss://ws.okx.com:8443/ws/v5", simulated=False, keys="live"
    )
    assert environment(Venue.model_validate({"name": "paper"})) == Environment(
        name="paper", rest_url="https://www.okx.com", ws_url="wss://ws.okx.com:8443/ws/v5", feed=True
    )
    assert environment(Venue()) == Environment(name="sim", rest_url="", ws_url="")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_settings_override_both_urls_and_nothing_else(name: str) -> None:
    own = ENVIRONMENTS[name]
    venue = Venue.model_validate({"name": name, "rest_url": "http://127.0.0.1:1/", "ws_url": "ws://127.0.0.1:1/ws/v5/"})
    assert environment(venue) == Environment(
        name=name, rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1/ws/v5",
        simulated=own.simulated, keys=own.keys, feed=own.feed,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rest_url": "http://x"}, "venue.rest_url is set and venue.ws_url is not"),
        ({"ws_url": "ws://x"}, "venue.ws_url is set and venue.rest_url is not"),
        (
            {"name": "live", "rest_url": "https://www.okx.com", "ws_url": "wss://wspap.okx.com:8443/ws/v5"},
            "is not a host of the venue live; OKX's is wss://ws.okx.com:8443/ws/v5",
        ),
        (
            {"name": "demo", "rest_url": "https://eea.okx.com", "ws_url": "wss://wseea.okx.com:8443/ws/v5"},
            "is not a host of the venue demo",
        ),
        ({"name": "paper", "rest_url": "garbage", "ws_url": "wss://x"}, "venue.rest_url is no URL; .* https://"),
        ({"name": "demo", "rest_url": "https://x:y", "ws_url": "wss://x"}, "venue.rest_url is no URL"),
        ({"name": "paper", "rest_url": "https://x", "ws_url": "https://x"}, "venue.ws_url is no URL; .* wss://"),
        ({"name": "paper", "rest_url": "https://x", "ws_url": "wss://"}, "venue.ws_url is no URL"),
        (
            {"name": "live", "rest_url": "http://okx.test", "ws_url": "wss://okx.test"},
            "venue.rest_url: the keys would go to okx.test in clear; give a URL that begins with https://",
        ),
        (
            {"name": "demo", "rest_url": "https://okx.test", "ws_url": "ws://okx.test"},
            "venue.ws_url: the keys would go to okx.test in clear",
        ),
    ],
)
def test_urls_that_do_not_belong_together_are_refused(fields: dict[str, str], said: str) -> None:
    with pytest.raises(VenueMismatch, match=said):
        environment(Venue.model_validate(fields))


@given(st.sampled_from(["ws", "wseea", "wsus"]), st.sampled_from(["", "pap"]), st.sampled_from(["demo", "live"]))
def test_a_host_of_okx_is_taken_only_for_the_environment_that_it_belongs_to(host: str, kind: str, name: str) -> None:
    url = f"wss://{host}{kind}.okx.com:8443/ws/v5"
    venue = Venue.model_validate({"name": name, "rest_url": "https://eea.okx.com", "ws_url": url})
    if (kind == "pap") == (name == "demo"):
        assert environment(venue).ws_url == url
    else:
        with pytest.raises(VenueMismatch):
            environment(venue)
