"""Who is at the other end of a Unix socket, where the operating system tells."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Final

_MAC_SOL_LOCAL: Final = 0
_MAC_LOCAL_PEERCRED: Final = 1


def peer_uid(channel: socket.socket) -> int | None:
    """The user of the peer; None: this system does not say."""
    try:
        if sys.platform == "linux":
            found = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", found)[1])
        if sys.platform == "darwin":
            found = channel.getsockopt(_MAC_SOL_LOCAL, _MAC_LOCAL_PEERCRED, 76)  # struct xucred
            return int(struct.unpack_from("II", found)[1])
    except (OSError, struct.error):
        return None  # then the modes of directory and socket have to do
    return None
