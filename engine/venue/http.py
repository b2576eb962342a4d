"""REST's bytes over HTTP: one connection pool, one time-out, and nothing that decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from yarl import URL


class NoAnswer(Exception):
    """The transport brought no answer: a time-out, a lost connection."""


Transport = Callable[[str, str, str, dict[str, str]], Awaitable[tuple[int, bytes]]]
"""Method, raw target, body, headers -> HTTP status and body. Raises NoAnswer."""


class HttpTransport:
    """The venue over HTTP, one connection pool."""

    def __init__(self, session: aiohttp.ClientSession, *, base_url: str, timeout_ms: int) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000)

    async def __call__(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Raises: NoAnswer."""
        try:
            async with self._session.request(
                method, URL(self._base_url + target, encoded=True), data=body or None, headers=headers,
                timeout=self._timeout, allow_redirects=False,
            ) as answer:  # fmt: skip
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from None
