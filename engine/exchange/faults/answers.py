"""What a struck REST call is answered: bodies in OKX's form, and some that are in nobody's. Pure.

Source: FACTS 6 (envelope, HTTP status), 13 (codes); OKX's table of error codes gives HTTP 400 for 50004.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from engine.exchange.rest import Response

_TIMED_OUT: Final = (
    "API endpoint request timeout (does not indicate success or failure of order, please check order status)"
)
UNEXPLAINED: Final[tuple[object, ...]] = (
    [],
    {},
    {"result": True},
    {"code": "0", "msg": "", "data": []},
    {"code": "0", "msg": "", "data": [{}]},
    {"code": "0", "msg": "", "data": "accepted"},
    {"code": None, "msg": None, "data": None},
)
"""JSON that an order call never answers according to the guide, and that says neither yes nor no."""


def refused(status: int, code: str, msg: str) -> Response:
    """An envelope without rows."""
    return Response(status, orjson.dumps({"code": code, "msg": msg, "data": []}))


def rate_limited() -> Response:
    """50011: too many calls; not processed."""
    return refused(429, "50011", "Too Many Requests")


def unavailable() -> Response:
    """50001: down; not processed."""
    return refused(503, "50001", "Service temporarily unavailable. Please try again later.")


def endpoint_timeout() -> Response:
    """50004: nobody knows."""
    return refused(400, "50004", _TIMED_OUT)


def order_timeout(body: str, now_ms: int) -> Response:
    """51149 for each order of a request; nobody knows, and no ordId is given."""
    rows = [
        {
            "ordId": "",
            "clOrdId": str(item.get("clOrdId") or ""),
            "ts": str(now_ms),
            "sCode": "51149",
            "sMsg": "Order timed out. Please try again later.",
            "subCode": "",
        }
        for item in _items(body)
    ]
    return Response(200, orjson.dumps({"code": "1", "msg": "All operations failed", "data": rows}), trading=True)


def unexplained(answer: object) -> Response:
    """JSON with HTTP 200."""
    return Response(200, orjson.dumps(answer), trading=True)


def not_found() -> Response:
    """51603, as for an order that never was."""
    return refused(200, "51603", "Order does not exist.")


def found_order(response: Response) -> tuple[str, int] | None:
    """ordId and birth (ms since 1970 UTC) of the order that a look-up has found; None if it has found none."""
    rows = orjson.loads(response.body)["data"]
    return (str(rows[0]["ordId"]), int(rows[0]["cTime"])) if rows else None


def _items(body: str) -> list[dict[str, Any]]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = {}
    listed = parsed if isinstance(parsed, list) and parsed else [parsed]
    return [item if isinstance(item, dict) else {} for item in listed]
