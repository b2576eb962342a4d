"""OKX v5 over REST: signed calls, exact texts, and an honest answer to "did it happen?".

An answer is one of three: done, refused (with the venue's code), or unknown (time-out, lost connection, 50004,
51149): what is unknown is asked for by client order id, never sent again.
Source: OKX API guide, "REST", "Error Code"; ccxt is not on this path: it hides sCode and expTime.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
import orjson

from engine.venue.frames import AccountData, OrderData, PositionData
from engine.venue.sign import Credentials, rest_headers
from schemas.clock import NS_PER_MS, Clock

_T = TypeVar("_T")

UNKNOWN_CODES: Final = frozenset({"50004", "51149", "50001", "50026", "50013"})
NOT_FOUND: Final = "51603"
BATCH: Final = 20
"""Orders in one batch call."""


class VenueError(Exception):
    """The venue did not do it. `code` is OKX's."""

    def __init__(self, call: str, code: str, text: str) -> None:
        super().__init__(f"{call}: {code} {text}")
        self.call = call
        self.code = code
        self.text = text


class VenueRefused(VenueError):
    """The venue said no: nothing was done."""


class VenueUnknown(VenueError):
    """The venue did not say, or said that it does not know: it may have been done."""


class Algo(msgspec.Struct, gc=False):
    """A pending TP/SL order; `algoClOrdId` is ours when we attached it."""

    algoId: str  # noqa: N815  the venue's name
    instId: str  # noqa: N815
    side: str = ""
    algoClOrdId: str = ""  # noqa: N815
    tpTriggerPx: str = ""  # noqa: N815
    slTriggerPx: str = ""  # noqa: N815
    sz: str = ""


class Fill(msgspec.Struct, gc=False):
    """One fill of ours."""

    instId: str  # noqa: N815
    tradeId: str  # noqa: N815
    ordId: str  # noqa: N815
    clOrdId: str = ""  # noqa: N815
    fillPx: str = ""  # noqa: N815
    fillSz: str = ""  # noqa: N815
    fillPnl: str = ""  # noqa: N815
    fee: str = ""
    ts: str = ""


class Instrument(msgspec.Struct, gc=False):
    """Terms of an instrument, as text."""

    instId: str  # noqa: N815
    ctVal: str  # noqa: N815
    ctMult: str  # noqa: N815
    lotSz: str  # noqa: N815
    minSz: str  # noqa: N815
    tickSz: str  # noqa: N815
    maxMktSz: str = ""  # noqa: N815
    state: str = ""


class Rest:
    """The calls that the engine makes. Every method raises VenueRefused or VenueUnknown, and nothing else."""

    def __init__(
        self, session: aiohttp.ClientSession, *, base_url: str, credentials: Credentials, clock: Clock, timeout_ms: int
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000)

    async def _call(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None, expires_ms: int = 0
    ) -> list[dict[str, Any]]:
        target = f"/api/v5{path}" + (f"?{urlencode(query)}" if query else "")
        text = "" if body is None else orjson.dumps(body).decode()
        headers = rest_headers(
            self._credentials, method=method, target=target, body=text, wall_ns=self._clock.wall_ns()
        )  # fmt: skip
        if expires_ms:
            headers["expTime"] = str(self._clock.wall_ns() // NS_PER_MS + expires_ms)
        try:
            async with self._session.request(
                method, self._base_url + target, data=text or None, headers=headers, timeout=self._timeout
            ) as answer:
                raw = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise VenueUnknown(path, "", f"no answer ({type(error).__name__}: {error})") from None
        return _unwrap(path, raw)

    async def server_time_ms(self) -> int:
        """The venue's clock, ms since 1970."""
        return int((await self._call("GET", "/public/time"))[0]["ts"])

    async def instrument(self, instrument: str) -> Instrument:
        """Terms of one swap."""
        rows = await self._call("GET", "/public/instruments", query={"instType": "SWAP", "instId": instrument})
        for row in rows:
            if row.get("instId") == instrument:
                return _convert("/public/instruments", row, Instrument)
        raise VenueRefused("/public/instruments", "51001", f"{instrument} does not exist here; mend venue.instrument")

    async def config(self) -> dict[str, Any]:
        """account/config: acctLv, posMode, perm."""
        return (await self._call("GET", "/account/config"))[0]

    async def set_leverage(self, instrument: str, leverage: int, mode: str) -> None:
        """Set the leverage of an instrument."""
        body = {"instId": instrument, "lever": str(leverage), "mgnMode": mode}
        await self._call("POST", "/account/set-leverage", body=body)

    async def balance(self) -> AccountData:
        """The account."""
        rows = await self._call("GET", "/account/balance")
        return _convert("/account/balance", rows[0], AccountData)

    async def positions(self, instrument: str) -> list[PositionData]:
        """Open positions."""
        rows = await self._call("GET", "/account/positions", query={"instId": instrument})
        return [_convert("/account/positions", row, PositionData) for row in rows]

    async def pending(self, instrument: str) -> list[OrderData]:
        """All resting orders, oldest page last."""
        found: list[OrderData] = []
        query = {"instType": "SWAP", "instId": instrument, "limit": "100"}
        while True:
            rows = await self._call("GET", "/trade/orders-pending", query=query)
            found += [_convert("/trade/orders-pending", row, OrderData) for row in rows]
            if len(rows) < 100:
                return found
            query = {**query, "after": str(rows[-1]["ordId"])}

    async def algos(self, instrument: str) -> list[Algo]:
        """Pending TP/SL orders, both kinds."""
        found: list[Algo] = []
        for kind in ("conditional", "oco"):
            query = {"instType": "SWAP", "instId": instrument, "ordType": kind}
            rows = await self._call("GET", "/trade/orders-algo-pending", query=query)
            found += [_convert("/trade/orders-algo-pending", row, Algo) for row in rows]
        return found

    async def order(self, instrument: str, client_order_id: str) -> OrderData | None:
        """One order by our id; None when the venue does not know it (yet)."""
        try:
            rows = await self._call("GET", "/trade/order", query={"instId": instrument, "clOrdId": client_order_id})
        except VenueRefused as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return _convert("/trade/order", rows[0], OrderData) if rows else None

    async def fills(self, instrument: str) -> list[Fill]:
        """The latest fills, newest first."""
        rows = await self._call("GET", "/trade/fills", query={"instType": "SWAP", "instId": instrument, "limit": "100"})
        return [_convert("/trade/fills", row, Fill) for row in rows]

    async def place(self, order: dict[str, Any], *, expires_ms: int) -> str:
        """Place one order; returns the venue's id. An ack means taken, not filled."""
        rows = await self._call("POST", "/trade/order", body=order, expires_ms=expires_ms)
        return str(rows[0].get("ordId", ""))

    async def cancel(self, instrument: str, order_ids: list[str]) -> list[str]:
        """Cancel up to BATCH orders; returns the venue's sCode of each, "0" where it took the cancel."""
        body = [{"instId": instrument, "ordId": order_id} for order_id in order_ids]
        rows = await self._call("POST", "/trade/cancel-batch-orders", body=body)
        return [str(row.get("sCode", "0")) for row in rows]

    async def candles(self, instrument: str, frame: str, count: int) -> list[list[str]]:
        """The latest candles, newest first; the newest still forms."""
        query = {"instId": instrument, "bar": frame, "limit": str(count)}
        rows: Any = await self._call("GET", "/market/candles", query=query)
        return [[str(cell) for cell in row] for row in rows]


def _convert(call: str, row: Any, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(row, kind, strict=False)
    except msgspec.ValidationError as error:
        raise VenueUnknown(call, "", f"an answer that OKX's guide does not explain: {error}") from None


def _unwrap(call: str, raw: bytes) -> list[dict[str, Any]]:
    """The data of an envelope.

    Code "0" may hide a refusal in sCode, and "1" and "2" say that the reasons are there.
    """
    try:
        envelope = orjson.loads(raw)
        code, data = str(envelope["code"]), envelope.get("data") or []
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise VenueUnknown(call, "", f"not an OKX answer: {raw[:120]!r}") from None
    inner = [row for row in data if isinstance(row, dict) and row.get("sCode", "0") != "0"]
    batch = call.endswith("batch-orders")
    if code == "0" and (batch or not inner):
        return list(data)
    if batch and code in {"1", "2"} and data:
        return list(data)
    if inner:
        code, text = str(inner[0]["sCode"]), str(inner[0].get("sMsg", ""))
    else:
        text = str(envelope.get("msg", ""))
    raise (VenueUnknown if code in UNKNOWN_CODES else VenueRefused)(call, code, text)
