from __future__ import annotations

import pytest

from engine.exchange.auth import WS_LOGIN_PAYLOAD, AuthFailure, check_login, check_rest, opened_to_demo, sign
from engine.exchange.config import Credentials
from engine.venue.sign import Credentials as ClientCredentials
from engine.venue.sign import rest_headers

KEYS = {"api_key": "key", "secret": "secret", "passphrase": "phrase"}
WRONG = AuthFailure("50101", "APIKey does not match current environment.")


@pytest.mark.parametrize(
    ("pose", "client_simulated", "failure"),
    [(None, False, None), (None, True, None), (True, True, None), (True, False, WRONG), (False, True, WRONG),
     (False, False, None)],
)  # fmt: skip
def test_a_venue_that_poses_as_demo_or_live_refuses_the_other_ones_requests(
    pose: bool | None, client_simulated: bool, failure: AuthFailure | None
) -> None:
    client = ClientCredentials(**KEYS, simulated=client_simulated)
    headers = rest_headers(client, method="GET", target="/api/v5/x", body="", wall_ns=0)
    assert check_rest(Credentials(**KEYS, simulated=pose), headers, "GET", "/api/v5/x", "", 0) == failure


@pytest.mark.parametrize(
    ("headers", "demo"),
    [
        ({"Host": "wspap.okx.com:8443"}, True), ({"Host": "wsuspap.okx.com"}, True),
        ({"Host": "WSEEAPAP.okx.com"}, True),
        ({"Host": "ws.okx.com:8443"}, False), ({"Host": "wseea.okx.com"}, False),
        ({"Host": "127.0.0.1:8443"}, None), ({"Host": "pap.example.com"}, None), ({}, None),
        ({"Host": "127.0.0.1", "x-simulated-trading": "1"}, True),
    ],
)  # fmt: skip
def test_a_websocket_belongs_to_the_environment_of_its_host_or_header(
    headers: dict[str, str], demo: bool | None
) -> None:
    assert opened_to_demo(headers) is demo


@pytest.mark.parametrize("pose", [None, True, False])
@pytest.mark.parametrize("demo", [None, True, False])
def test_a_login_at_the_other_environment_is_50101_whatever_its_signature(pose: bool | None, demo: bool | None) -> None:
    at_odds = pose is not None and demo is not None and pose != demo
    args = {"apiKey": "key", "passphrase": "phrase", "timestamp": "1", "sign": sign("secret", "1" + WS_LOGIN_PAYLOAD)}
    for given, else_code in ((args, None), ({**args, "sign": "x"}, "60009"), ({**args, "apiKey": "other"}, "60009")):
        failure = check_login(Credentials(**KEYS, simulated=pose), given, 1_000, demo=demo)
        told = "50101" if at_odds and given["apiKey"] == "key" else else_code
        assert (failure.code if failure else None) == told
