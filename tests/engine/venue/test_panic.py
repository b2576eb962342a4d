"""`python -m engine.venue.panic` against the real simulated exchange, also when it goes wrong, is dead, or says no."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.engine.exchange.real_process import CONSTRUCTOR, ROOT, SYMBOL, exchange, keys
from tests.support.system import free_ports
from tests.support.venue import VenueClient, faults

pytestmark = pytest.mark.e2e
ISOLATED = {"tdMode": "isolated"}


@dataclass(frozen=True)
class Ran:
    code: int
    text: str
    lines: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        return self.lines[-1]["result"]


def began(where: dict[str, str], *options: str, **changes: str) -> subprocess.Popen[str]:
    names = ("SOVEREIGN_API_KEY", "SOVEREIGN_SECRET", "SOVEREIGN_PASSPHRASE")
    given = dict(zip(names, (where["apiKey"], where["secret"], where["password"]), strict=True)) | changes
    argv = [sys.executable, "-m", "engine.venue.panic", "--venue", "sim", "--rest", where["rest"], *options]
    return subprocess.Popen(
        argv, env=os.environ | given, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    try:
        text, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return Ran(process.returncode, text, [json.loads(line) for line in text.splitlines()])


def panic(where: dict[str, str], *options: str, **changes: str) -> Ran:
    return ended(began(where, *options, **changes))


@dataclass(frozen=True)
class Scene:
    """An exchange, and an operator's own client of it."""

    where: dict[str, str]
    okx: Any

    def rest(self, count: int) -> None:
        prices = [63_900 - number * 0.1 for number in range(count)]
        for start in range(0, count, 20):
            self.okx.create_orders(
                [
                    {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": px, "params": ISOLATED}
                    for px in prices[start : start + 20]
                ]
            )

    def hold(self, side: str, contracts: float, **params: Any) -> None:
        exits = {"stopLoss": {"triggerPrice": 62_000 if side == "buy" else 66_000}}
        self.okx.create_order(SYMBOL, "market", side, contracts, None, {**ISOLATED, **exits, **params})

    def open_orders(self) -> int:
        return len(self.okx.fetch_open_orders(SYMBOL))

    def stops(self) -> int:
        return len(self.okx.fetch_open_orders(SYMBOL, params={"trigger": True, "ordType": "conditional"}))

    def held(self) -> list[float]:
        return sorted(position["contracts"] for position in self.okx.fetch_positions([SYMBOL]))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with exchange(tmp_path) as where:
        okx = ccxt.okx({**CONSTRUCTOR, **keys(where)})
        okx.urls["api"]["rest"] = where["rest"]
        okx.load_markets()
        yield Scene(where, okx)


def test_orders_go_and_positions_keep_their_stops(scene: Scene) -> None:
    scene.hold("buy", 3)
    for count in (1, 50, 130):
        scene.rest(count)
        ran = panic(scene.where)
        assert (ran.code, ran.result["canceled"], scene.open_orders()) == (0, count, 0), ran.text
        assert {key: ran.result[key] for key in ("confirmed", "open_orders", "open_positions", "problems")} == {
            "confirmed": True, "open_orders": 0, "open_positions": None, "problems": [],
        }  # fmt: skip
        steps = ran.result["steps"]
        times = [ran.result["began_ns"], *(steps[step]["first_ns"] for step in ("orders", "cancel-batch-orders"))]
        times += [steps[step]["last_ns"] for step in ("cancel-batch-orders", "confirmed")] + [ran.result["ended_ns"]]
        assert times == sorted(times)
    assert (scene.stops(), scene.held()) == (1, [3.0])


def test_flatten_leaves_nothing_in_net_mode_and_in_hedge_mode(scene: Scene) -> None:
    scene.rest(3)
    scene.hold("buy", 3)
    scene.okx.create_order(SYMBOL, "limit", "buy", 1, 63_000, {**ISOLATED, "triggerPrice": 63_100})
    reduce = {**ISOLATED, "reduceOnly": True, "trailingPercent": "0.5"}
    scene.okx.create_order(SYMBOL, "market", "sell", 1, None, reduce)
    ran = panic(scene.where, "--flatten")
    assert ran.code == 0, ran.text
    shown = ("open_orders", "open_algos", "open_positions", "canceled", "algos_canceled", "closes_sent")
    assert [ran.result[key] for key in shown] == [0, 0, 0, 3, 3, 1]
    assert (scene.open_orders(), scene.stops(), scene.held()) == (0, 0, [])

    scene.okx.set_position_mode(True)
    scene.hold("buy", 3, posSide="long")
    scene.hold("sell", 2, posSide="short")
    assert scene.held() == [2.0, 3.0]
    ran = panic(scene.where, "--flatten")
    assert (ran.code, ran.result["closes_sent"], scene.held(), scene.stops()) == (0, 2, [], 0), ran.text


def test_it_goes_on_until_the_venue_has_done_it_whatever_the_answers_are(scene: Scene) -> None:
    scene.rest(45)
    scene.hold("buy", 3)
    faults(
        scene.where["rest"],
        {"name": "unavailable", "times": 2}, {"name": "rate_limited", "times": 1, "call": "trade/cancel-algos"},
        {"name": "ack_lost", "times": 1, "call": "trade/cancel-batch-orders"},
        {"name": "order_timeout", "times": 1, "executed": False},
        {"name": "clock_skew", "offset_ms": 120_000, "after_ms": 300},
    )  # fmt: skip
    ran = panic(scene.where, "--flatten")
    scene.okx.load_time_difference()
    assert (ran.code, scene.open_orders(), scene.stops(), scene.held()) == (0, 0, 0, []), ran.text
    said = {line["code"] for line in ran.lines[:-1]}
    assert {"50001", "50011", "51149", "50102"} <= said
    assert any("no answer" in problem for problem in ran.result["problems"])


def test_a_dead_venue_is_asked_until_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    for name, text in (("API_KEY", "key"), ("SECRET", "secret"), ("PASSWORD", "word")):
        monkeypatch.setenv(f"SOVEREIGN_SIM_{name}", text)
    where = {"rest": f"http://127.0.0.1:{port}", "apiKey": "key", "secret": "secret", "password": "word"}
    with began(where) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        with exchange(tmp_path, "--port", str(port)):
            ran = ended(process)
    assert first["text"] == "the venue does not tell its time (NetworkError); ours is used"
    assert (ran.code, ran.result["confirmed"]) == (0, True), ran.text


def test_its_time_ends_and_it_says_that_nothing_is_known() -> None:
    (port,) = free_ports(1)
    where = {"rest": f"http://127.0.0.1:{port}", "apiKey": "key", "secret": "secret", "password": "word"}
    began_s = time.monotonic()
    ran = panic(where, "--timeout", "0.5")
    assert time.monotonic() - began_s < 10
    assert (ran.code, ran.result["confirmed"], ran.result["open_orders"]) == (1, False, None)
    assert ran.result["problems"][-1] == "the venue has not confirmed within 0.5 s; look at the venue yourself"


@contextlib.contextmanager
def drip() -> Iterator[int]:
    """A port that answers each call with one byte after the other, for ever."""
    over = threading.Event()

    def serve(channel: socket.socket) -> None:
        with channel, contextlib.suppress(OSError):
            channel.recv(4_096)
            channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not over.wait(0.1):
                channel.sendall(b" ")

    def listen() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                channel, _ = listening.accept()
                serving.append(threading.Thread(target=serve, args=(channel,)))
                serving[-1].start()

    serving: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        serving.append(threading.Thread(target=listen))
        serving[0].start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            for thread in serving:
                thread.join()


def test_an_answer_that_comes_byte_by_byte_for_ever_is_none() -> None:
    with drip() as port:
        where = {"rest": f"http://127.0.0.1:{port}", "apiKey": "key", "secret": "secret", "password": "word"}
        began_s = time.monotonic()
        ran = panic(where, "--timeout", "1.5")
        assert time.monotonic() - began_s < 10
    assert (ran.code, ran.result["confirmed"], ran.result["open_orders"]) == (1, False, None)


def test_keys_that_the_venue_refuses_are_named_and_never_shown(scene: Scene) -> None:
    ran = panic(scene.where, SOVEREIGN_SECRET="quite-wrong-secret")
    assert (ran.code, ran.result["keys_refused"]) == (1, "50113")
    assert ran.result["problems"][0].startswith("the venue sim refuses the keys: the signature is wrong")
    told = [scene.where["apiKey"], scene.where["secret"], scene.where["password"], "quite-wrong-secret"]
    assert not any(secret in ran.text for secret in told)
    for odd in ("", "\u20ac"):
        ran = panic(scene.where, SOVEREIGN_API_KEY=odd)
        assert (ran.code, ran.result["keys_refused"]) == (1, "50103"), ran.text


def test_the_operators_client_and_panic_see_the_same_account(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "exchange.json").write_text(json.dumps(scene.where))
    beside = VenueClient(tmp_path)
    order = beside.rest_an_order()
    assert [row["ordId"] for row in beside.pending()] == [order]
    assert panic(scene.where, "--instrument", "ETH-USDT-SWAP").code == 0
    assert [row["ordId"] for row in beside.pending()] == [order]
    assert panic(scene.where, "--instrument", "BTC-USDT-SWAP").code == 0
    assert beside.pending() == []


def test_it_loads_nothing_that_only_a_running_system_needs() -> None:
    slow = ("zmq", "numpy", "uvloop", "pydantic", "google.protobuf", "engine.engine")
    code = f"import sys, engine.venue.panic; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
