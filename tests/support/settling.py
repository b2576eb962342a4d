"""What the venue says of an account, read by a client of its own, and in what an engine's view differs from it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.execution.journal import decode_entry
from engine.execution.router import client_order_id_of
from tests.support.venue import INSTRUMENT, VenueClient

OURS = "so"
"""What the client ids of the engine's orders begin with."""
_BUSY = "50011"
_TRIES = 20
_ABSENT = "not there"
_NEVER_THERE = {"refused", "canceled"}
"""Canceled: given up before it was sent, by a disk that took longer than the order lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that may differ, as the venue writes it. `algos`: side, size, closeFraction, stop of each TP/SL."""

    contracts: str
    equity: str
    orders: tuple[str, ...]
    algos: tuple[tuple[str, str, str, str], ...]

    @property
    def bare(self) -> str:
        """What is wrong with the protection; "" when every contract has a stop, and no stop is without a contract."""
        held = Decimal(self.contracts)
        closing = "sell" if held > 0 else "buy"
        stops = [(size, fraction) for side, size, fraction, stop in self.algos if stop and side == closing and held]
        if len(stops) < len(self.algos):
            return f"{len(self.algos) - len(stops)} TP/SL orders without a position"
        if any(fraction == "1" for _, fraction in stops):
            return ""
        covered = sum((Decimal(size) for size, _ in stops), Decimal(0))
        return "" if covered == abs(held) else f"stops for {covered} of {held} contracts"


@dataclass(slots=True)
class Venue:
    """Signed REST at one exchange. `said` is the exchange's first line."""

    said: dict[str, str]
    client: VenueClient
    _seen: set[str] = field(default_factory=set)

    def read(self) -> Reading:
        """The account now."""
        (balance,) = self._get("account/balance")
        return Reading(
            contracts=self._held(),
            equity=next(row["eq"] for row in balance["details"] if row["ccy"] == "USDT"),
            orders=tuple(sorted(row["ordId"] for row in self._pending())),
            algos=tuple(
                (row["side"], row["sz"], row["closeFraction"], row["slTriggerPx"]) for row in self._algos()
            ),
        )  # fmt: skip

    def _held(self) -> str:
        rows = self._get(f"account/positions?instId={INSTRUMENT}")
        return next((row["pos"] for row in rows if Decimal(row["pos"])), "0")

    def _pending(self) -> list[dict[str, Any]]:
        return self._get(f"trade/orders-pending?instType=SWAP&instId={INSTRUMENT}")

    def _algos(self) -> list[dict[str, Any]]:
        return self._get(f"trade/orders-algo-pending?instType=SWAP&instId={INSTRUMENT}&ordType=conditional,oco")

    def new_orders(self) -> list[dict[str, Any]]:
        """The engine's orders since the account was last flattened."""
        ended = self._get(f"trade/orders-history?instType=SWAP&instId={INSTRUMENT}")
        rows = {row["ordId"]: row for row in (*ended, *self._pending())}
        return [row for row in rows.values() if row["clOrdId"].startswith(OURS) and row["ordId"] not in self._seen]

    def faults(self, faults: Iterable[dict[str, Any]]) -> None:
        """These, and no others, go wrong from now on."""
        url = f"{self.said['rest']}/sim/v1/faults"
        for method, body in (("DELETE", b""), ("POST", json.dumps(list(faults)).encode())):
            request = urllib.request.Request(url, data=body or None, method=method)
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 200

    def flatten(self) -> None:
        """Nothing held, nothing resting, nothing wrong."""
        self.faults(())
        self._seen |= {row["ordId"] for row in self.new_orders()}
        for _ in range(_TRIES):
            orders, algos, held = self._pending(), self._algos(), Decimal(self._held())
            if not (orders or algos or held):
                return
            for row in orders:
                self._post("cancel-order", {"instId": INSTRUMENT, "ordId": row["ordId"]})
            if held:
                self._post("close-position", {"instId": INSTRUMENT, "mgnMode": "isolated"})
            for row in algos:
                self._post("cancel-algos", [{"instId": INSTRUMENT, "algoId": row["algoId"]}])
        raise AssertionError(f"the account cannot be flattened: {held} held, {orders}, {algos}")

    def _get(self, path: str) -> list[dict[str, Any]]:
        rows = self._call("GET", f"/api/v5/{path}")["data"]
        assert isinstance(rows, list)
        return rows

    def _post(self, call: str, body: Any) -> None:
        self._call("POST", f"/api/v5/trade/{call}", body)

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        for _ in range(_TRIES):
            said = self.client.call(method, path, body)
            if said["code"] != _BUSY:
                return said
            time.sleep(0.2)  # the engine and we share the account's budget of calls
        raise AssertionError(f"{path}: {said}")


def journal_of(directory: Path) -> dict[str, str]:
    """What a journal knows of each order of ours: how it ended, "" while that is not known."""
    known: dict[str, str] = {}
    for line in (directory / "orders.log").read_bytes().split(b"\n")[:-1]:
        entry = decode_entry(line)
        assert entry is not None, line
        assert entry.client_order_id == client_order_id_of(entry.intent_id)
        known[entry.client_order_id] = entry.state
    return known


def differences(view: dict[str, Any], reading: Reading) -> list[str]:
    """In what an engine that says `view` disagrees with the venue, and what is not protected."""
    found = []
    if not view["contracts"] or Decimal(view["contracts"]) != Decimal(reading.contracts):
        found.append(f"position: engine {view['contracts']}, venue {reading.contracts}")
    if sorted(view["working"]) != list(reading.orders):
        found.append(f"orders: engine {view['working']}, venue {reading.orders}")
    if view["equity"] != reading.equity:
        found.append(f"equity: engine {view['equity']}, venue {reading.equity}")
    if reading.bare:
        found.append(reading.bare)
    return found + [f"{cause} stands" for cause in view["causes"]]


def fates(journal: dict[str, str], view: dict[str, Any], orders: list[dict[str, Any]]) -> list[str]:
    """Whether the journal knows every order that the venue took, once each, and how each of them stands or ended."""
    found = []
    taken = [row["clOrdId"] for row in orders]
    found += [f"{one} was placed {taken.count(one)} times" for one in sorted(set(taken)) if taken.count(one) > 1]
    found += [f"{one} was sent and is not in the journal" for one in sorted(set(taken) - set(journal))]
    states = {row["clOrdId"]: row["state"] for row in orders}
    for one, ended in journal.items():
        known = ended or view["states"].get(one, "unknown")
        venues = states.get(one, _ABSENT)
        if known not in (_NEVER_THERE if venues == _ABSENT else {venues}):
            found.append(f"{one}: the engine knows it as {known}, the venue as {venues}")
    return found


def fate_of(intent: str, journal: dict[str, str], orders: list[dict[str, Any]]) -> str:
    """What became of the order of an intent, in a word or two."""
    one = client_order_id_of(intent)
    if one not in journal:
        return "never journaled"
    return next((row["state"] for row in orders if row["clOrdId"] == one), "journaled, never there")
