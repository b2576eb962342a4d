"""A client of the simulated exchange beside the engine, as an operator's own would be: signed REST, nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

INSTRUMENT = "BTC-USDT-SWAP"


def faults(rest: str, *armed: dict[str, Any]) -> None:
    """Arms faults at the exchange of this URL, as a test of an outside process has to; without any, clears all."""
    request = urllib.request.Request(
        f"{rest}/sim/v1/faults", data=json.dumps(armed).encode() if armed else None,
        headers={"Content-Type": "application/json"}, method="POST" if armed else "DELETE",
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


class VenueClient:
    """Speaks to the exchange that a system runs."""

    def __init__(self, runtime: Path) -> None:
        said = json.loads((runtime / "exchange.json").read_text())
        self.rest_url: str = said["rest"]
        self._rest, self._key, self._secret, self._password = (
            said["rest"], said["apiKey"], said["secret"], said["password"],
        )  # fmt: skip

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One signed call; the whole envelope."""
        text = "" if body is None else json.dumps(body)
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        digest = hmac.new(self._secret.encode(), (stamp + method + path + text).encode(), hashlib.sha256).digest()
        request = urllib.request.Request(
            self._rest + path, data=text.encode() or None, method=method,
            headers={
                "OK-ACCESS-KEY": self._key, "OK-ACCESS-SIGN": base64.b64encode(digest).decode(),
                "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-PASSPHRASE": self._password,
                "Content-Type": "application/json",
            },
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            content = json.load(error)
        assert isinstance(content, dict)
        return content

    def pending(self) -> list[dict[str, Any]]:
        """Resting orders."""
        rows = self.call("GET", f"/api/v5/trade/orders-pending?instType=SWAP&instId={INSTRUMENT}")["data"]
        assert isinstance(rows, list)
        return rows

    def rest_an_order(self, *, price: str = "30000", contracts: str = "1") -> str:
        """A limit order far from the market; the venue's id."""
        body = {
            "instId": INSTRUMENT, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": price, "sz": contracts,
        }  # fmt: skip
        (row,) = self.call("POST", "/api/v5/trade/order", body)["data"]
        assert row["sCode"] == "0", row
        return str(row["ordId"])

    def close(self) -> None:
        """Closes the position at the market, as an operator would in the venue's own application."""
        said = self.call("POST", "/api/v5/trade/close-position", {"instId": INSTRUMENT, "mgnMode": "isolated"})
        assert said["code"] == "0", said


@contextmanager
def fault(runtime: Path, name: str, **parameters: Any) -> Iterator[None]:
    """While this goes wrong at the exchange of a system."""
    url = json.loads((runtime / "exchange.json").read_text())["rest"] + "/sim/v1/faults"
    body = json.dumps({"name": name, **parameters}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=5):
        pass
    try:
        yield
    finally:
        with urllib.request.urlopen(urllib.request.Request(f"{url}?name={name}", method="DELETE"), timeout=5):
            pass
