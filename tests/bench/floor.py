"""The floor: two hops of raw pyzmq between two processes, PUB out and REQ back, same sizes, no codecs, no CURVE."""

from __future__ import annotations

import subprocess
import sys
import time

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


def two_hops_ns(*, rate: int, seconds: float) -> list[int]:
    """Durations from before the PUB send to the REP receive, ns, at a fixed rate."""
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
