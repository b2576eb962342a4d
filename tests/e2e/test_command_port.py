"""The command channel against a plain REQ socket, as another program of the operator would speak to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import zmq

from schemas import codec
from schemas.channels import HEADER_SIZE, Keyring
from schemas.messages import MarketTick, OrderReject, OrderRequest, Request
from tests.support.orders import ORDER
from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running() -> Iterator[System]:
    with system(BRAIN__TREND_THRESHOLD_PCT="100", BRAIN__VOTES_NEEDED="3") as here:  # a brain that sends nothing
        here.up()
        until("trading is active", lambda: here.status()["state"] == "ACTIVE")
        yield here


@contextmanager
def sockets(here: System, keys: Keyring | None) -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    """A plain SUB on the market stream and a plain REQ on the command channel."""
    context = zmq.Context()
    pair = context.socket(zmq.SUB), context.socket(zmq.REQ)
    try:
        for sock, name in zip(pair, ("MARKET_PORT", "COMMAND_PORT"), strict=True):
            if keys is not None:
                sock.set(zmq.CURVE_SERVERKEY, keys.server_public)
                sock.set(zmq.CURVE_PUBLICKEY, keys.client_public)
                sock.set(zmq.CURVE_SECRETKEY, keys.client_secret)
            sock.set(zmq.RCVTIMEO, 5_000)
            sock.set(zmq.SNDTIMEO, 5_000)  # a socket whose only peer speaks another mechanism may have nowhere to send
            sock.set(zmq.LINGER, 0)
            sock.connect(f"tcp://127.0.0.1:{here.ports[name]}")
        pair[0].subscribe(b"tick.BTC-USDT-SWAP")
        yield pair
    finally:
        context.destroy(linger=0)


def newest(sub: zmq.Socket[bytes]) -> MarketTick:
    message = sub.recv()
    while sub.poll(0):
        message = sub.recv()
    return codec.TickDecoder("BTC-USDT-SWAP").decode(message[HEADER_SIZE:])


def ask(req: zmq.Socket[bytes], order: OrderRequest) -> Any:
    req.send(codec.encode_request(Request(sequence=1, timestamp_ns=time.time_ns(), body=order)))
    return codec.decode_reply(req.recv()).body


def decided_on(tick: MarketTick, intent: str, **changes: Any) -> OrderRequest:
    decided = msgspec.structs.replace(ORDER.decided_on, tick_sequence=tick.sequence, timestamp_ns=tick.received_ns)
    return msgspec.structs.replace(ORDER, intent_id=intent, decided_on=decided, created_ns=time.time_ns(), **changes)


def test_an_oversized_order_is_a_risk_violation_and_one_on_an_old_tick_has_expired(running: System) -> None:
    keys = Keyring.load_or_create(running.home / "keys")
    with sockets(running, keys) as (sub, req):
        tick = newest(sub)
        reject = ask(req, decided_on(tick, "toolarge", contracts=Decimal(1_000)))
        assert isinstance(reject, OrderReject)
        assert (reject.code, reject.rule, reject.limit) == ("RISK_VIOLATION", "account_share", "10.0 %")
        assert reject.observed is not None

        old = newest(sub)
        while newest(sub).received_ns - old.received_ns < 200_000_000:
            pass
        reject = ask(req, decided_on(old, "tooold"))
        assert isinstance(reject, OrderReject)
        assert (reject.code, reject.rule, reject.limit) == ("TTL_EXPIRED", "price_age", "100 ms")

        req.send(b"\xff\xfe rubbish")
        reject = codec.decode_reply(req.recv()).body
        assert isinstance(reject, OrderReject)
        assert reject.code == "MALFORMED"
    assert running.status()["state"] == "ACTIVE"


@pytest.mark.parametrize("keys", [None, Keyring.generate()], ids=["no keys", "wrong keys"])
def test_with_wrong_keys_there_is_no_answer_and_no_trace_but_a_counter(running: System, keys: Keyring | None) -> None:
    refused = running.status()["counters"]["refused_peers"]
    with sockets(running, keys) as (sub, req):
        req.set(zmq.RCVTIMEO, 1_000)
        sub.set(zmq.RCVTIMEO, 1_000)
        with pytest.raises(zmq.Again):
            sub.recv()
        before = running.status()["counters"]  # the engine has said its state since the last test, four times a second
        with pytest.raises(zmq.Again):
            ask(req, msgspec.structs.replace(ORDER, intent_id="stranger"))
    after = until(
        "the refusal is counted",
        lambda: next((s for s in [running.status()["counters"]] if s["refused_peers"] > refused), None),
    )  # fmt: skip
    assert (after["orders"], after["rejects"], after["malformed"]) == (
        before["orders"], before["rejects"], before["malformed"],
    )  # fmt: skip
