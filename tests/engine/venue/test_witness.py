"""What is said to the venue is in the record, what signs it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import WSMsgType, web

from engine.venue.answers import VenueError
from engine.venue.http import NoAnswer
from engine.venue.link import Link, LinkPlan
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from engine.venue.witness import NOBODY, Witness
from schemas.blackbox import Direction
from schemas.clock import SystemClock
from tests.support.tape import Taken, Tape

SECRETS = {"api_key": "the-api-key", "secret": "22582BD0CFF14C41EDBF1AB98506286D", "passphrase": "the-passphrase"}
CREDENTIALS = Credentials(**SECRETS)
SENT, RECEIVED, NOTE = Direction.SENT, Direction.RECEIVED, Direction.NOTE
ORDER = "POST /api/v5/trade/order"


def told_by(work: Any, *, status: int = 200, raw: bytes | None = b"{}") -> list[Taken]:
    """What one REST call leaves in the record; `raw` None: no answer."""

    async def transport(method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        assert headers["OK-ACCESS-KEY"] == SECRETS["api_key"]
        if raw is None:
            raise NoAnswer("TimeoutError: ")
        return status, raw

    tape = Tape()
    rest = Rest(transport, credentials=CREDENTIALS, clock=SystemClock(), witness=Witness(tape))

    async def call() -> None:
        try:
            await work(rest)
        except VenueError:
            return

    asyncio.run(call())
    return tape.taken


def test_a_command_is_kept_as_it_was_sent_and_so_is_its_answer() -> None:
    raw = b'{"code":"0","msg":"","data":[{"ordId":"7","clOrdId":"so1","sCode":"0","sMsg":""}]}'
    assert told_by(lambda rest: rest.place({"clOrdId": "so1", "sz": "1"}, expires_ms=900), raw=raw) == [
        Taken(SENT, "venue", ORDER, b'{"clOrdId":"so1","sz":"1"}', True),
        Taken(RECEIVED, "venue", ORDER, raw, True),
    ]


def test_a_question_is_kept_with_its_query_and_is_not_vital() -> None:
    raw = b'{"code":"0","msg":"","data":[]}'
    assert told_by(lambda rest: rest.order("BTC-USDT-SWAP", "so1"), raw=raw) == [
        Taken(SENT, "venue", "GET /api/v5/trade/order", b"instId=BTC-USDT-SWAP&clOrdId=so1", False),
        Taken(RECEIVED, "venue", "GET /api/v5/trade/order", raw, False),
    ]


def test_no_answer_and_an_http_error_are_told() -> None:
    assert told_by(lambda rest: rest.place({}, expires_ms=1), raw=None)[1] == Taken(
        NOTE, "venue", ORDER, b"no answer (TimeoutError: )", True
    )
    assert told_by(lambda rest: rest.place({}, expires_ms=1), status=503, raw=b"busy")[1] == Taken(
        RECEIVED, "venue", f"{ORDER} 503", b"busy", True
    )


def test_public_data_is_not_kept() -> None:
    assert told_by(lambda rest: rest.server_time_ms()) == []
    assert told_by(lambda rest: rest.book("BTC-USDT-SWAP")) == []


class Venue:
    """A private websocket that lets in, or quotes the login as OKX quotes what it cannot read."""

    def __init__(self, *, lets_in: bool) -> None:
        self.lets_in = lets_in
        self.logins: list[str] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            said = orjson.loads(message.data)
            if said["op"] == "login":
                self.logins.append(message.data)
                quoted = {"event": "error", "code": "60012", "msg": f"Invalid request: {message.data}"}
                let_in = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}
                await socket.send_str(orjson.dumps(let_in if self.lets_in else quoted).decode())
            elif said["op"] == "subscribe":
                await socket.send_str('{"arg":{"channel":"orders"},"data":[]}')
                await socket.send_str('{"arg":{"channel":"account"},"data":[]}')
        return socket


async def listen(venue: Venue, tape: Tape, witness: Witness) -> None:
    """A link to `venue`, until two pushes came or the login was refused."""
    app = web.Application()
    app.router.add_get("/private", venue.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    done, frames = asyncio.Event(), list[bytes]()

    def on_frame(payload: bytes) -> None:
        frames.append(payload)
        if not venue.lets_in or len(frames) == 2:
            done.set()

    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/private"
    plan = LinkPlan(name="private", url=url, subscriptions=[{"channel": "orders"}], credentials=CREDENTIALS)
    clock = SystemClock()
    link = Link(
        plan, on_frame=on_frame, on_state=lambda up, why: None, clock=clock, venue_wall_ns=clock.wall_ns,
        witness=witness,
    )  # fmt: skip
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(5):
            await done.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await runner.cleanup()


@pytest.mark.parametrize("lets_in", [True, False])
def test_the_login_and_what_quotes_it_are_not_kept(lets_in: bool) -> None:
    venue, tape = Venue(lets_in=lets_in), Tape()
    asyncio.run(listen(venue, tape, Witness(tape)))
    (login,) = venue.logins
    sign = orjson.loads(login)["args"][0]["sign"]
    for taken in tape.taken:
        assert not any(secret.encode() in taken.payload for secret in (*SECRETS.values(), sign))
    kept = [
        Taken(SENT, "venue", "ws/private", b'{"op":"subscribe","args":[{"channel":"orders"}]}', True),
        Taken(RECEIVED, "venue", "ws/private", b'{"arg":{"channel":"orders"},"data":[]}', True),
        Taken(RECEIVED, "venue", "ws/private", b'{"arg":{"channel":"account"},"data":[]}', False),
    ]
    assert tape.taken == (kept if lets_in else [])


def test_without_a_blackbox_nothing_is_kept() -> None:
    NOBODY.asked("POST", "/api/v5/trade/order", b"{}")
    NOBODY.sent("private", b"{}")
