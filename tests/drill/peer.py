"""`python -m tests.drill.peer KIND ENDPOINT HOME`: somebody beside the system who does it no good, with its keys.

reader   reads a stream            sleeper  subscribes, and never reads
pusher   floods the telemetry      asker    floods the command port with what nobody can read
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import zmq

from schemas.channels import Keyring

_PIECE: Final = 512
_BREATH_S: Final = 0.0005


def main(kind: str, endpoint: str, home: str) -> None:
    """Until it is killed."""
    keys = Keyring.load_or_create(Path(home) / "keys")
    kinds = {"reader": zmq.SUB, "sleeper": zmq.SUB, "pusher": zmq.PUSH, "asker": zmq.DEALER}
    socket = zmq.Context().socket(kinds[kind])
    socket.set(zmq.CURVE_SERVERKEY, keys.server_public)
    socket.set(zmq.CURVE_PUBLICKEY, keys.client_public)
    socket.set(zmq.CURVE_SECRETKEY, keys.client_secret)
    if kind in {"reader", "sleeper"}:
        socket.subscribe(b"")
    socket.connect(endpoint)
    print("there", flush=True)
    while kind == "reader":
        socket.recv()
    while kind == "sleeper":
        time.sleep(60)
    while True:
        try:
            socket.send(b"\x07" * _PIECE, zmq.NOBLOCK)
        except zmq.Again:
            time.sleep(_BREATH_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
