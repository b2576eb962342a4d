"""REST's bytes: where they may go, and what is no answer."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from engine.venue.http import HttpTransport


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirection_is_an_answer_and_is_not_followed(method: str, status: int) -> None:
    """A signed order, or the keys in its headers, go to nobody whom the settings do not name."""
    elsewhere: list[tuple[str, str]] = []

    async def stranger(request: web.Request) -> web.Response:
        elsewhere.append((request.method, await request.text()))
        return web.json_response({"code": "0", "data": [{"ordId": "1", "sCode": "0"}]})

    async def redirects(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text="moved")

    async def scene() -> tuple[int, bytes]:
        app = web.Application()
        app.router.add_route("*", "/elsewhere", stranger)
        app.router.add_route("*", "/api/v5/trade/order", redirects)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            async with aiohttp.ClientSession() as session:
                transport = HttpTransport(session, base_url=f"http://127.0.0.1:{port}", timeout_ms=2_000)
                return await transport(method, "/api/v5/trade/order", "{}" if method == "POST" else "", {"K": "secret"})
        finally:
            await runner.cleanup()

    assert asyncio.run(scene()) == (status, b"moved")
    assert elsewhere == []
