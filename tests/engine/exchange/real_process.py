"""The real exchange as a process on a market that stands still, for clients that nobody here wrote."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[3]
SYMBOL = "BTC/USDT:USDT"
BIDS = [["63999.9", "1.0"], ["63999.8", "5.0"], ["63950.0", "9.0"]]  # price, BTC
ASKS = [["64000.0", "1.0"], ["64000.1", "5.0"], ["64050.0", "9.0"]]
CONSTRUCTOR = {"enableRateLimit": False, "options": {"defaultType": "swap", "fetchMarkets": {"types": ["swap"]}}}


def still_market(directory: Path) -> Path:
    """A recording of one book and one print of 2.5 contracts; afterwards nothing moves but what the client does."""
    printed = {"e": "trade", "T": 1, "m": False, "p": "64000.0", "q": "0.025", "X": "MARKET"}
    messages = [{"lastUpdateId": 10, "bids": BIDS, "asks": ASKS}, printed]
    lines = [b"%d %s" % (1_680_652_700_000_000 + n * 1000, orjson.dumps(m)) for n, m in enumerate(messages)]
    path = directory / "still.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return path


@contextmanager
def exchange(directory: Path, *flags: str) -> Iterator[dict[str, str]]:
    """Its first line while it runs; whatever happens inside, it is gone afterwards."""
    recording = str(still_market(directory))
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.exchange", "--recording", recording, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        yield orjson.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def keys(where: dict[str, str]) -> dict[str, str]:
    """What a ccxt constructor wants to know of the account."""
    return {"apiKey": where["apiKey"], "secret": where["secret"], "password": where["password"]}
