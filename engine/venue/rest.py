"""OKX v5 over REST: signed calls, exact texts, and an honest answer to "did it happen?" (answers.py).

Source: OKX API guide, "REST"; ccxt is not on this path: it hides sCode and expTime.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
import orjson

from engine.venue import codes
from engine.venue.answers import Algo, Fill, Instrument, Unexplained, VenueBusy, VenueRefused, VenueUnknown, unwrap
from engine.venue.frames import ORDER_STATES, AccountData, Amount, BookData, OrderData, PositionData, TradeData
from engine.venue.http import NoAnswer, Transport
from engine.venue.sign import Credentials, rest_headers
from engine.venue.witness import NOBODY, Witness
from schemas.clock import NS_PER_MS, Clock

_T = TypeVar("_T")

BATCH: Final = 20
"""Orders in one batch call."""
_PAGE: Final = 100
_PAGE_AGAIN_S: Final = (0.25, 0.5, 1.0, 2.0)
_ALGO_BATCH: Final = 10
TAG: Final = "sovereign"
"""On every order of ours: cancel-all-after is armed for this tag alone."""
_TIME: Final = "/public/time"


class _Time(msgspec.Struct, gc=False):
    ts: Annotated[int, msgspec.Meta(ge=10**12, le=10**13)]  # 2001 to 2286


class _Leverage(msgspec.Struct, gc=False):
    lever: Amount


class _Canceled(msgspec.Struct, gc=False):
    sCode: str = "0"  # noqa: N815  the venue's name


class Rest:
    """The calls that the engine makes. Every method raises VenueRefused or VenueUnknown, and nothing else."""

    def __init__(
        self,
        transport: Transport,
        *,
        credentials: Credentials,
        clock: Clock,
        on_unexplained: Callable[[str, str], None] = lambda call, said: None,
        witness: Witness = NOBODY,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._on_unexplained = on_unexplained
        self._witness = witness
        self.on_clock_refused: Callable[[], None] = lambda: None
        self.errors = dict.fromkeys(("no_answer", "busy", "refused", "unknown", "unexplained"), 0)
        """Calls that were not done, by kind: unknown may have been done, and so may no_answer and unexplained."""
        self.skew_ns = 0
        """The venue's clock less ours: what is signed and what expires is told in the venue's time."""

    async def _call(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None, expires_ms: int = 0
    ) -> list[dict[str, Any]]:
        target = f"/api/v5{path}" + (f"?{urlencode(query)}" if query else "")
        said = b"" if body is None else orjson.dumps(body)
        text = said.decode()
        headers = rest_headers(
            self._credentials, method=method, target=target, body=text, wall_ns=self._clock.wall_ns() + self.skew_ns
        )  # fmt: skip
        if expires_ms:
            headers["expTime"] = str((self._clock.wall_ns() + self.skew_ns) // NS_PER_MS + expires_ms)
        self._witness.asked(method, target, said)
        try:
            status, raw = await self._transport(method, target, text, headers)
        except NoAnswer as error:
            self._witness.unanswered(method, target, str(error))
            self.errors["no_answer"] += 1
            raise VenueUnknown(path, "", f"no answer ({error})") from None
        self._witness.answered(method, target, status, raw)
        try:
            return unwrap(path, status, raw)
        except Unexplained as error:
            raise self.unexplained(path, str(error), raw) from None
        except VenueUnknown:
            self.errors["unknown"] += 1
            raise
        except VenueRefused as error:
            self.errors["busy" if isinstance(error, VenueBusy) else "refused"] += 1
            if error.code in codes.CLOCK:
                self.on_clock_refused()
            raise

    def unexplained(self, call: str, problem: str, raw: bytes) -> VenueUnknown:
        """Hand over whole what the guide does not explain; the error to raise: it may have been done."""
        self.errors["unexplained"] += 1
        self._on_unexplained(call, f"{problem}: {raw.decode('utf-8', 'replace')}")
        return VenueUnknown(call, "", problem)

    def _convert(self, call: str, row: Any, kind: type[_T]) -> _T:
        try:
            return msgspec.convert(row, kind, strict=False)
        except msgspec.ValidationError as error:
            raise self.unexplained(call, f"a row that the guide does not explain, {error}", orjson.dumps(row)) from None

    async def server_time_ms(self) -> int:
        """The venue's clock, ms since 1970."""
        row = self._convert(_TIME, self._first(_TIME, await self._call("GET", _TIME)), _Time)
        return row.ts

    async def instrument(self, instrument: str) -> Instrument:
        """Terms of one swap."""
        rows = await self._call("GET", "/public/instruments", query={"instType": "SWAP", "instId": instrument})
        for row in rows:
            if isinstance(row, dict) and row.get("instId") == instrument:
                found = self._convert("/public/instruments", row, Instrument)
                if found.state == "live" and not found.sizes_are_positive():
                    raise self.unexplained("/public/instruments", "live, and without its sizes", orjson.dumps(row))
                return found
        raise VenueRefused("/public/instruments", "51001", f"{instrument} does not exist here; mend venue.instrument")

    async def config(self) -> dict[str, Any]:
        """account/config: acctLv, posMode, perm."""
        row: dict[str, Any] = self._first("/account/config", await self._call("GET", "/account/config"))
        return row

    async def set_leverage(self, instrument: str, leverage: int, mode: str) -> None:
        """Set the leverage of an instrument."""
        body = {"instId": instrument, "lever": str(leverage), "mgnMode": mode}
        await self._call("POST", "/account/set-leverage", body=body)

    async def balance(self) -> AccountData:
        """The account."""
        rows = await self._call("GET", "/account/balance")
        return self._convert("/account/balance", self._first("/account/balance", rows), AccountData)

    async def positions(self, instrument: str) -> list[PositionData]:
        """Open positions."""
        rows = await self._call("GET", "/account/positions", query={"instId": instrument})
        return [self._convert("/account/positions", row, PositionData) for row in rows]

    async def pending(self, instrument: str) -> list[OrderData]:
        """All resting orders, oldest page last."""
        found: list[OrderData] = []
        query = {"instType": "SWAP", "instId": instrument, "limit": "100"}
        while True:
            rows = await self._call("GET", "/trade/orders-pending", query=query)
            found += [self._order("/trade/orders-pending", row) for row in rows]
            if len(rows) < _PAGE:
                return found
            query = {**query, "after": found[-1].ordId}

    async def history(self, instrument: str) -> list[OrderData]:
        """The latest page of ended orders, newest first; one canceled without a fill is kept for 2 hours."""
        call = "/trade/orders-history"
        query = {"instType": "SWAP", "instId": instrument, "limit": str(_PAGE)}
        return [self._order(call, row) for row in await self._call("GET", call, query=query)]

    async def algos(self, instrument: str) -> list[Algo]:
        """Pending TP/SL orders, both kinds."""
        found: list[Algo] = []
        for kind in ("conditional", "oco"):
            query = {"instType": "SWAP", "instId": instrument, "ordType": kind}
            rows = await self._call("GET", "/trade/orders-algo-pending", query=query)
            found += [self._convert("/trade/orders-algo-pending", row, Algo) for row in rows]
        return found

    async def order(self, instrument: str, client_order_id: str) -> OrderData | None:
        """One order by our id; None when the venue does not know it (yet)."""
        try:
            rows = await self._call("GET", "/trade/order", query={"instId": instrument, "clOrdId": client_order_id})
        except VenueRefused as error:
            if error.code == codes.NOT_FOUND:
                return None
            raise
        found = self._order("/trade/order", rows[0]) if rows else None
        if found is not None and found.state not in ORDER_STATES:
            raise VenueUnknown("/trade/order", "", f"order {client_order_id} is {found.state[:20]!r}")
        return found

    def _order(self, call: str, row: Any) -> OrderData:
        """A state that the guide does not name is told, and the order is shown: it can still be canceled."""
        found = self._convert(call, row, OrderData)
        if found.state not in ORDER_STATES:
            self.unexplained(call, f"order state {found.state[:20]!r}", orjson.dumps(row))
        return found

    async def fills(self, instrument: str, *, since_ms: int | None = None) -> list[Fill]:
        """Fills, newest first: the latest page, or all of them back to `since_ms` (at most three days)."""
        found: list[Fill] = []
        query = {"instType": "SWAP", "instId": instrument, "limit": str(_PAGE)}
        while True:
            rows = await self._page("/trade/fills", query)
            found += [self._convert("/trade/fills", row, Fill) for row in rows]
            if since_ms is None or len(rows) < _PAGE or int(found[-1].ts or 0) < since_ms:
                return found
            query = {**query, "after": found[-1].billId}

    async def _page(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """One page of many. Where the venue has no time for so many calls it is this page that is asked for again.

        Whoever began anew at the first one, each time, would never come to the last: a day may have thousands of fills.
        """
        for wait_s in _PAGE_AGAIN_S:
            try:
                return await self._call("GET", path, query=query)
            except VenueBusy:
                await asyncio.sleep(wait_s)
        return await self._call("GET", path, query=query)

    async def leverage(self, instrument: str, mode: str) -> Decimal:
        """Leverage in force for an instrument and a margin mode."""
        call = "/account/leverage-info"
        rows = await self._call("GET", call, query={"instId": instrument, "mgnMode": mode})
        lever = Decimal(self._convert(call, self._first(call, rows), _Leverage).lever)
        if lever <= 0:
            raise self.unexplained(call, "a leverage of nothing", orjson.dumps(rows))
        return lever

    async def place(self, order: dict[str, Any], *, expires_ms: int) -> str:
        """Place one order; returns the venue's id. An ack means taken, not filled."""
        rows = await self._call("POST", "/trade/order", body=order, expires_ms=expires_ms)
        order_id = str(self._first("/trade/order", rows).get("ordId") or "")
        if not order_id:
            raise self.unexplained("/trade/order", "an accepted order without an id", orjson.dumps(rows))
        return order_id

    async def place_algo(self, algo: dict[str, Any]) -> str:
        """Place one TP/SL order; returns the venue's id of it."""
        rows = await self._call("POST", "/trade/order-algo", body=algo)
        return str(self._first("/trade/order-algo", rows).get("algoId", ""))

    async def cancel_algos(self, instrument: str, algo_ids: list[str]) -> None:
        """Cancel TP/SL orders. One that has ended is no error."""
        for start in range(0, len(algo_ids), _ALGO_BATCH):
            body = [{"instId": instrument, "algoId": algo_id} for algo_id in algo_ids[start : start + _ALGO_BATCH]]
            try:
                await self._call("POST", "/trade/cancel-algos", body=body)
            except VenueRefused as error:
                if error.code not in codes.GONE:
                    raise

    async def cancel_all_after(self, seconds: int) -> None:
        """Arm the venue's own dead-man's switch for orders of our tag, 10 to 120 s; 0 disarms it."""
        await self._call("POST", "/trade/cancel-all-after", body={"timeOut": str(seconds), "tag": TAG})

    async def cancel(self, instrument: str, order_ids: list[str]) -> list[str]:
        """Cancel up to BATCH orders; returns the venue's sCode of each, "0" where it took the cancel."""
        body = [{"instId": instrument, "ordId": order_id} for order_id in order_ids]
        call = "/trade/cancel-batch-orders"
        rows = await self._call("POST", call, body=body)
        return [self._convert(call, row, _Canceled).sCode for row in rows]

    def _first(self, call: str, rows: list[Any]) -> Any:
        if rows and isinstance(rows[0], dict):
            return rows[0]
        raise self.unexplained(call, "an answer without a row", orjson.dumps(rows))

    async def book(self, instrument: str) -> BookData:
        """The book as REST shows it, 400 levels a side, with its seqId."""
        call = "/market/books"
        rows = await self._call("GET", call, query={"instId": instrument, "sz": "400"})
        return self._convert(call, self._first(call, rows), BookData)

    async def trades(self, instrument: str, count: int) -> list[TradeData]:
        """The latest public trades, up to 500."""
        query, call = {"instId": instrument, "limit": str(count)}, "/market/trades"
        return [self._convert(call, row, TradeData) for row in await self._call("GET", call, query=query)]

    async def older_candles(self, instrument: str, frame: str, before_ms: int) -> list[list[str]]:
        """A page of confirmed candles that began before `before_ms` (since 1970 UTC), newest first; none: no more."""
        query, call = {"instId": instrument, "bar": frame, "after": str(before_ms)}, "/market/history-candles"
        return [self._convert(call, row, list[str]) for row in await self._call("GET", call, query=query)]

    async def candles(self, instrument: str, frame: str, count: int) -> list[list[str]]:
        """The latest candles, newest first; the newest still forms."""
        query, call = {"instId": instrument, "bar": frame, "limit": str(count)}, "/market/candles"
        return [self._convert(call, row, list[str]) for row in await self._call("GET", call, query=query)]
