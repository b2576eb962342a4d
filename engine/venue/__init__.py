"""OKX v5: frames to values without a socket, the links, and REST."""
