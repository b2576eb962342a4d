"""The floor: two hops of raw pyzmq between two processes, PUB out and REQ back, same sizes, no codecs, no CURVE.

In the same placement as the system: the same simulated exchange streams at the same rate, and each websocket callback
sends one PUB and blocks until the order of the other process is in hand. What the system adds to this is ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq

TICK_BYTES = 904
ORDER_BYTES = 130
_PEER = """
import sys, zmq
context = zmq.Context()
sub = context.socket(zmq.SUB)
sub.connect(sys.argv[1])
sub.subscribe(b"")
req = context.socket(zmq.REQ)
req.connect(sys.argv[2])
order = b"o" * int(sys.argv[3])
while True:
    if sub.recv() == b"end":
        break
    req.send(order)
    req.recv()
"""
_ENGINE = """
import asyncio, json, sys, time
import picows, uvloop, zmq
ws, tick, answer, seconds, out = sys.argv[1], b"t" * int(sys.argv[2]), b"a" * 60, float(sys.argv[3]), sys.argv[4]
context = zmq.Context()
pub, rep = context.socket(zmq.PUB), context.socket(zmq.REP)
ports = [sock.bind_to_random_port("tcp://127.0.0.1") for sock in (pub, rep)]
rep.set(zmq.RCVTIMEO, 5000)
print(json.dumps(ports), flush=True)
while not rep.poll(50):
    pub.send(b"hello")
while rep.poll(50):
    rep.recv()
    rep.send(answer)
found = []
class Listener(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        frame.get_payload_as_bytes()
        began = time.monotonic_ns()
        pub.send(tick)
        rep.recv()
        found.append(time.monotonic_ns() - began)
        rep.send(answer)
async def main():
    transport, _ = await picows.ws_connect(Listener, ws)
    arg = {"channel": "bbo-tbt", "instId": "BTC-USDT-SWAP"}
    transport.send(picows.WSMsgType.TEXT, json.dumps({"op": "subscribe", "args": [arg]}).encode())
    await asyncio.sleep(seconds)
    transport.disconnect()
uvloop.run(main())
pub.send(b"end")
with open(out, "w") as file:
    json.dump(found[len(found) // 10:], file)
context.destroy(linger=500)
"""


def two_hops_ns(*, frames_per_s: int, seconds: float) -> list[int]:
    """Durations from the websocket callback to the raw order in hand, ns."""
    children: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory(prefix="sv-") as directory:
        try:
            return _two_hops_ns(children, Path(directory) / "durations.json", frames_per_s, seconds)
        finally:
            for child in children:
                child.kill()
                child.wait()
                if child.stdout is not None:
                    child.stdout.close()


def _two_hops_ns(children: list[subprocess.Popen[str]], out: Path, frames_per_s: int, seconds: float) -> list[int]:
    ws = _said(children, ["-m", "engine.exchange", "--port", "0", "--frames-per-s", str(frames_per_s)])["ws"]
    ports = _said(children, ["-c", _ENGINE, ws + "/public", str(TICK_BYTES), str(seconds), str(out)])
    endpoints = [f"tcp://127.0.0.1:{port}" for port in ports]
    children.append(subprocess.Popen([sys.executable, "-c", _PEER, *endpoints, str(ORDER_BYTES)], text=True))
    code = children[1].wait(seconds + 30)
    if code:
        raise ChildProcessError(f"the engine of the floor ended with {code}")
    found: list[int] = json.loads(out.read_text())
    return found


def _said(children: list[subprocess.Popen[str]], arguments: list[str]) -> Any:
    """Start a child; the first line that it says."""
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    children.append(child)
    assert child.stdout is not None
    return json.loads(child.stdout.readline())


def idle_two_hops_ns(*, rate: int, seconds: float) -> list[int]:
    """The same on an otherwise idle machine, paced by sleeping: from before the PUB send to the REP receive, ns."""
    context = zmq.Context()
    pub, rep = context.socket(zmq.PUB), context.socket(zmq.REP)
    try:
        ports = [sock.bind_to_random_port("tcp://127.0.0.1") for sock in (pub, rep)]
        rep.set(zmq.RCVTIMEO, 5_000)
        endpoints = [f"tcp://127.0.0.1:{port}" for port in ports]
        peer = subprocess.Popen([sys.executable, "-c", _PEER, *endpoints, str(ORDER_BYTES)])
        try:
            _until_the_peer_hears(pub, rep)
            return _measure(pub, rep, rate, seconds)
        finally:
            pub.send(b"end")
            peer.kill()
            peer.wait()
    finally:
        pub.close(linger=0)
        rep.close(linger=0)
        context.term()


def _until_the_peer_hears(pub: zmq.Socket[bytes], rep: zmq.Socket[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        pub.send(b"hello")
        if rep.poll(50):
            while rep.poll(50):
                rep.recv()
                rep.send(b"ok")
            return
    raise TimeoutError("the peer of the floor never answered")


def _measure(pub: zmq.Socket[bytes], rep: zmq.Socket[bytes], rate: int, seconds: float) -> list[int]:
    tick, answer, found = b"t" * TICK_BYTES, b"a" * 60, []
    interval_ns = 1_000_000_000 // rate
    due = time.monotonic_ns()
    for _ in range(int(rate * seconds)):
        due += interval_ns
        wait_s = (due - time.monotonic_ns()) / 1e9
        if wait_s > 0:
            time.sleep(wait_s)
        began = time.monotonic_ns()
        pub.send(tick)
        rep.recv()
        found.append(time.monotonic_ns() - began)
        rep.send(answer)
    return found
