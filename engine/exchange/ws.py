"""One websocket connection of OKX's protocol, without the socket: texts in, messages out.

Source: FACTS 3 (transport and events), 5 (private channels), 11 (order entry).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from engine.exchange.auth import WRONG_ENVIRONMENT, check_login
from engine.exchange.budget import Budget
from engine.exchange.channels import COUNTED, problem
from engine.exchange.config import Credentials
from engine.exchange.faults.order_line import CALLS, OrderLine
from engine.exchange.hub import Hub, Subscription
from engine.exchange.trade_api import BATCH_MAX, Answer, TradeApi

PATHS: Final = ("public", "private", "business")
IDLE_NS: Final = 30_000_000_000
_ARGS_MAX: Final = 100
_ARGS_BYTES_MAX: Final = 64 * 1024
OPS: Final = frozenset(CALLS)
_TOLD: Final = OPS | {"subscribe", "unsubscribe"}


class Session:
    """A connection to one of the three paths. `send` queues a frame; `answer` does it with the order latency;

    `close` ends the connection with a code once what is queued has gone out; `drop` cuts it at once. `demo`: whether it
    was opened to demo trading or to production; None: it did not say. `heard` is told what the client sends, once it is
    logged in: never a login.
    """

    def __init__(
        self,
        path: str,
        conn_id: str,
        *,
        hub: Hub,
        trade: TradeApi,
        credentials: Credentials,
        send: Callable[[bytes], None],
        answer: Callable[[bytes], None],
        close: Callable[[int, str], None],
        drop: Callable[[], None] = lambda: None,
        demo: bool | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self.conn_id = conn_id
        self._hub = hub
        self._trade = trade
        self._credentials = credentials
        self._send = send
        self._answer = answer
        self._close = close
        self._drop = drop
        self._demo = demo
        self._heard = heard
        self.logged_in = False
        self._budget = Budget()
        self._subscriptions: dict[bytes, Subscription] = {}
        self._active_ns = hub.exchange.monotonic_ns()
        self._line = OrderLine(
            hub.exchange.faults, hub.lines, now_ms=hub.exchange.now_ms, flush=hub.flush, drop=self.drop, send=answer
        )  # fmt: skip
        hub.lines.join(self)

    def send(self, message: bytes) -> None:
        """Queues one text frame."""
        self._active_ns = self._hub.exchange.monotonic_ns()
        self._send(message)

    def check_idle(self) -> None:
        """Closes the connection after 30 s in which nothing went either way."""
        if self._hub.exchange.monotonic_ns() - self._active_ns >= IDLE_NS:
            self._close(4004, "No data received in 30s.")

    def closed(self) -> None:
        """The connection is gone; its subscriptions with it."""
        for subscription in self._subscriptions.values():
            self._hub.remove(subscription)
        self._subscriptions.clear()
        self._hub.lines.leave(self)

    def notice(self, code: str, msg: str) -> None:
        """An event that is no error."""
        self._event("notice", {"code": code, "msg": msg})

    def end(self, code: int, reason: str) -> None:
        """The venue closes it."""
        self._close(code, reason)

    def drop(self) -> None:
        """The connection breaks without a close frame; it hears nothing from here on."""
        self.closed()
        self._drop()

    def receive(self, text: str) -> None:
        """One text frame of the client."""
        self._active_ns = self._hub.exchange.monotonic_ns()
        if text == "ping":
            return self.send(b"pong")
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        if self._heard is not None and self.logged_in and isinstance(request, dict) and request.get("op") in _TOLD:
            self._heard(text)
        if isinstance(request, dict) and str(request.get("op")) in OPS:
            return self._order_op(str(request["op"]), request)
        args = request.get("args") if isinstance(request, dict) else None
        if not isinstance(request, dict) or not isinstance(args, list):
            return self._error("60012", f"Invalid request: {text[:1000]}")
        op = str(request.get("op"))
        if op not in ("login", "subscribe", "unsubscribe") or not args or not all(isinstance(a, dict) for a in args):
            return self._error("60012", f"Invalid request: {text[:1000]}", request.get("id"))
        verdict = self._budget.spend(self._active_ns)
        if verdict == "close":
            code, reason = (4008, "Subscriptions exceeded") if op == "subscribe" else (4009, "Too many requests")
            return self._close(code, reason)
        if verdict:
            return self._error("60014", "Requests too frequent", request.get("id"))
        if len(args) > _ARGS_MAX:
            return self._close(4003, "The number of args exceeds the limit")
        if len(text.encode()) > _ARGS_BYTES_MAX or (op == "login" and len(args) != 1):
            return self._error("60012", "Invalid request: too many args", request.get("id"))
        if op == "login":
            return self._login(args[0])
        for arg in args:
            if op == "subscribe":
                self._subscribe(arg, request.get("id"))
            else:
                self._unsubscribe(arg, request.get("id"))
        return None

    # -- events ---------------------------------------------------------------------------------------------------

    def _event(self, event: str, fields: Mapping[str, Any], request_id: object = None) -> None:
        echoed = {} if request_id in (None, "") else {"id": str(request_id)}
        self.send(orjson.dumps({**echoed, "event": event, **fields, "connId": self.conn_id}))

    def _error(self, code: str, msg: str, request_id: object = None) -> None:
        self._event("error", {"code": code, "msg": msg}, request_id)

    def _login(self, arg: Mapping[str, Any]) -> None:
        if self.logged_in:
            return self._error("60031", "You have already logged in. Logout and try again.")
        failure = check_login(self._credentials, arg, self._hub.exchange.now_ms(), demo=self._demo)
        rule = self._hub.exchange.account.rules.environment
        if failure is None and self._demo is not None and rule == ("live" if self._demo else "demo"):
            failure = WRONG_ENVIRONMENT
        if failure is not None:
            self._error(failure.code, failure.msg)
            return self._close(4001, "Login failed")
        self.logged_in = True
        return self._event("login", {"code": "0", "msg": ""})

    def _subscribe(self, arg: Mapping[str, Any], request_id: object) -> None:
        rules = self._hub.exchange.account.rules
        refusal = problem(self.path, arg, rules, logged_in=self.logged_in)
        if refusal is not None:
            return self._error(*refusal, request_id)
        key = orjson.dumps(arg, option=orjson.OPT_SORT_KEYS)
        subscription = self._subscriptions.get(key)
        if subscription is None:
            subscription = self._subscriptions[key] = self._hub.subscription(self, arg)
        self._event("subscribe", {"arg": arg}, request_id)
        channel = subscription.channel
        if channel in COUNTED and self._hub.full(subscription):
            limit = str(rules.channel_connections)
            return self._event("channel-conn-count-error", {"channel": channel, "connCount": limit})
        self._hub.greet(subscription)
        if channel in COUNTED:
            count = str(self._hub.connections(channel))
            self._event("channel-conn-count", {"channel": channel, "connCount": count})
        return None

    def _unsubscribe(self, arg: Mapping[str, Any], request_id: object) -> None:
        subscription = self._subscriptions.pop(orjson.dumps(arg, option=orjson.OPT_SORT_KEYS), None)
        if subscription is not None:
            self._hub.remove(subscription)
        self._event("unsubscribe", {"arg": arg}, request_id)

    # -- orders ---------------------------------------------------------------------------------------------------

    def _order_op(self, op: str, request: Mapping[str, Any]) -> None:
        in_us = self._hub.exchange.wall_us()
        args = _items_of(request.get("args"), BATCH_MAX if op.startswith("batch") else 1)
        request_id = request.get("id")
        refused: Answer | None = None
        if request_id in (None, ""):
            refused = Answer(code="60013", msg="Parameter id can not be empty")
        elif self.path != "private":
            refused = Answer(code="60018", msg="Wrong URL: order operations go to /private.")
        elif not self.logged_in:
            refused = Answer(code="60011", msg="Please log in")
        elif not args:
            refused = Answer(code="60013", msg="Invalid args")
        if refused is not None:
            told = "" if request_id is None else str(request_id)
            self._answer(orjson.dumps({"id": told, "op": op, **self._body(refused, in_us)}))
        else:
            exp_time = request.get("expTime")
            self._line.serve(op, str(request_id), args, lambda: self._body(self._do(op, args, exp_time), in_us))
        self._hub.flush()

    def _do(self, op: str, args: list[Any], exp_time: object) -> Answer:
        batch = op.startswith("batch")
        if "cancel" in op:
            return self._trade.cancel(args, batch=batch, by_code=True)
        if "amend" in op:
            return self._trade.amend(args, batch=batch, exp_time=exp_time, by_code=True)
        return self._trade.place(args, batch=batch, exp_time=exp_time, by_code=True)

    def _body(self, answer: Answer, in_us: int) -> dict[str, Any]:
        return {
            "code": answer.code,
            "msg": "" if answer.data else answer.msg,  # what failed is told item by item; ccxt relies on it
            "data": answer.data,
            "inTime": str(in_us),
            "outTime": str(self._hub.exchange.wall_us()),
        }


def _items_of(args: object, most: int) -> list[Any]:
    """The items of an order op; none of them if there are too many or one is no object."""
    if not isinstance(args, list) or len(args) > most or not all(isinstance(item, dict) for item in args):
        return []
    return args
