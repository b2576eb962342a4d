"""The control route, without the socket."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.exchange.faults.catalogue import CATALOGUE
from engine.exchange.faults.control import PATH, Control
from engine.exchange.faults.switchboard import Fault, Switchboard
from tests.support.clock import ManualClock


class Route:
    def __init__(self) -> None:
        self.faults = Switchboard(7, ManualClock())
        self.control = Control(self.faults)

    def __call__(
        self, method: str, body: object = None, *, query: str = "", peer: str | None = "127.0.0.1"
    ) -> tuple[int, Any]:
        text = "" if body is None else orjson.dumps(body).decode()
        response = self.control.handle(method, PATH + query, text, peer)
        return response.status, orjson.loads(response.body)


def test_what_is_armed_is_shown_with_the_counts_and_the_catalogue() -> None:
    route = Route()
    route.faults.arm(Fault(name="not_found", times=2))
    route.faults.strikes("not_found")
    status, view = route("GET")
    assert (status, set(view)) == (200, {"armed", "injected", "catalogue"})
    assert view["armed"] == [
        {"name": "not_found", "times": 1, "probability": 1.0, "after_ms": 0, "lookups": 2, "within_ms": 5000}
    ]
    assert view["injected"] == {"not_found": 1}
    assert set(view["catalogue"]) == set(CATALOGUE)
    delay = view["catalogue"]["slow_answer"]["parameters"]["delay_ms"]
    assert delay == {"default": 1000, "least": 0, "most": 600_000, "meaning": "ms until the answer"}


def test_one_fault_or_a_list_is_armed_and_cleared_by_name_or_all() -> None:
    route = Route()
    assert [f["name"] for f in route("POST", {"name": "ack_lost", "times": 1})[1]["armed"]] == ["ack_lost"]
    names = [f["name"] for f in route("POST", [{"name": "push_lost"}, {"name": "clock_skew"}])[1]["armed"]]
    assert names == ["ack_lost", "push_lost", "clock_skew"]
    assert [f["name"] for f in route("DELETE", query="?name=push_lost")[1]["armed"]] == ["ack_lost", "clock_skew"]
    assert route("DELETE")[1]["armed"] == []


@pytest.mark.parametrize(
    ("method", "body", "query", "words"),
    [
        ("POST", {"name": "ack_lost", "times": -1}, "", ("times: -1", "1 to 1000000")),
        ("POST", [{"name": "push_lost"}, {"name": "x"}], "", ("[1].name: 'x'", "give one of ack_lost")),
        ("POST", None, "", ("body: ''", "as JSON")),
        ("DELETE", None, "?name=x", ("name: 'x'", "give one of ack_lost")),
        ("DELETE", None, "?name=", ("name: ''", "give one of ack_lost")),
        ("DELETE", None, "?nam=push_lost", ("nam: 'push_lost'", "give one name")),
    ],
)
def test_bad_input_is_400_with_the_mend_and_arms_nothing(
    method: str, body: object, query: str, words: tuple[str, ...]
) -> None:
    route = Route()
    status, view = route(method, body, query=query)
    assert (status, set(view), route.faults.armed()) == (400, {"error"}, [])
    assert all(word in view["error"] for word in words), view


@pytest.mark.parametrize("peer", ["192.168.1.7", "8.8.8.8", None, "", "nowhere", "::ffff:8.8.8.8"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_machine_is_refused(method: str, peer: str | None) -> None:
    route = Route()
    status, view = route(method, {"name": "ack_lost"}, peer=peer)
    assert (status, set(view), route.faults.armed()) == (403, {"error"}, [])


def test_its_own_machine_is_let_in_over_ipv6_too_and_other_methods_are_named() -> None:
    assert Route()("GET", peer="::1")[0] == 200
    assert Route()("PUT") == (405, {"error": "method: 'PUT' is not one of these; give GET, POST or DELETE"})
