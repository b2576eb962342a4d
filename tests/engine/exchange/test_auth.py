from __future__ import annotations

import pytest

from engine.exchange.auth import AuthFailure, check_rest
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
