"""Alerts to real commands and a real server, those that hang included."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from schemas.messages import Alert
from schemas.settings import Settings
from schemas.settings.tree import Alerts
from sovereign_tui.ops.notify import Notifier

ALERT = Alert(kind="halt", text="halt a1 stands", since_ns=5, level="warning", active=True)
FIELDS = {
    "kind": "halt",
    "text": "halt a1 stands",
    "since_ns": 5,
    "level": "warning",
    "active": True,
    "acknowledged_by": "",
}


class Desk:
    """A notifier at work, and what it said."""

    def __init__(self, **settings: Any) -> None:
        self.said: list[tuple[str, str]] = []
        self.notifier = Notifier(Alerts.model_validate(settings), lambda level, text: self.said.append((level, text)))

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[Notifier]:
        tasks = [asyncio.ensure_future(work) for work in self.notifier.workers()]
        try:
            yield self.notifier
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self, *alerts: Alert, until: str = "alerts_told") -> None:
        """All of them, until as many have come to this end."""

        async def scenario() -> None:
            async with self.at_work() as notifier, asyncio.timeout(20):
                for alert in alerts:
                    notifier.tell(alert)
                while notifier.counters[until] < len(alerts):
                    await asyncio.sleep(0.01)

        asyncio.run(scenario())


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_gets_the_alert_on_its_stdin_and_in_its_environment_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOVEREIGN_SECRET", "hush")
    out = tmp_path / "out"
    code = f"import json,os,sys; json.dump([sys.stdin.read(), dict(os.environ)], open({str(out)!r}, 'w'))"
    desk = Desk(command=python(code))
    desk.tell(ALERT)
    stdin, environment = json.loads(out.read_text())
    assert json.loads(stdin) == FIELDS
    told = {name: value for name, value in environment.items() if name.startswith("SOVEREIGN_ALERT_")}
    assert told == {"SOVEREIGN_ALERT_KIND": "halt", "SOVEREIGN_ALERT_TEXT": "halt a1 stands"}
    assert "hush" not in environment.values()
    assert desk.said == []


def test_a_kind_that_was_not_asked_for_is_not_told() -> None:
    desk = Desk(command=python("pass"), kinds=["process_fatal"])
    desk.notifier.tell(ALERT)
    desk.tell(Alert(kind="process_fatal", text="x", since_ns=5, level="error", active=True))
    assert desk.notifier.counters == {"alerts_told": 1}


def test_a_command_that_hangs_is_killed_with_its_children_and_said_once(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os,subprocess,sys,time; c=subprocess.Popen(['sleep','600']);"
        f"open({str(pids)!r},'a').write(f'{{os.getpid()}} {{c.pid}} '); time.sleep(600)"
    )
    desk = Desk(command=python(code), timeout_s=1.5)
    desk.tell(ALERT, ALERT, until="alerts_failed")
    said = ("error", "alerts.command: has not ended within 1.5 s and was killed; not said again until it works")
    assert desk.said == [said]
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 4
    end = time.monotonic() + 5
    while any(_alive(pid) for pid in started):
        assert time.monotonic() < end
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_runs_when_ops_ends_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    async def scenario() -> int:
        code = f"import os,time; open({str(mark)!r},'w').write(str(os.getpid())); time.sleep(600)"
        async with Desk(command=python(code), timeout_s=100).at_work() as notifier, asyncio.timeout(20):
            notifier.tell(ALERT)
            while not mark.exists() or not mark.read_text():
                await asyncio.sleep(0.01)
        return int(mark.read_text())

    assert not _alive(asyncio.run(scenario()))


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (python("import sys; sys.exit(3)"), "ended with code 3"),
        (["/nonexistent/program"], "cannot be started ([Errno 2] No such file or directory: '/nonexistent/program')"),
    ],
)
def test_a_command_that_fails_is_said_once(command: list[str], why: str) -> None:
    desk = Desk(command=command)
    desk.tell(ALERT, ALERT, ALERT, until="alerts_failed")
    assert desk.said == [("error", f"alerts.command: {why}; not said again until it works")]


def test_a_command_that_works_again_says_so_and_may_fail_anew(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"import os,sys; open({str(runs)!r},'a').write('x'); sys.exit(os.path.getsize({str(runs)!r}) != 2)"
    desk = Desk(command=python(code))

    async def scenario() -> None:
        async with desk.at_work() as notifier, asyncio.timeout(20):
            for _ in range(3):
                notifier.tell(ALERT)
            while notifier.counters.total() < 3:
                await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [level for level, _ in desk.said] == ["error", "info", "error"]
    assert desk.said[1] == ("info", "alerts.command: works again")


def test_more_alerts_than_anybody_reads_are_dropped_and_nothing_waits() -> None:
    desk = Desk(command=["true"])
    for _ in range(130):
        desk.notifier.tell(ALERT)
    assert desk.notifier.counters == {"alerts_dropped": 30}


class Server:
    """Takes what is posted, and answers as it is told."""

    def __init__(self, status: int = 204, location: str = "") -> None:
        taken = self.taken = list[tuple[str, str, dict[str, Any]]]()

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *said: object) -> None:
                pass

        self.http = http.server.HTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/hook?token=hush"


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()
        server.http.server_close()


def test_a_url_gets_the_alert_as_json() -> None:
    with serving(Server()) as server:
        Desk(url=server.url).tell(ALERT)
    assert server.taken == [("/hook?token=hush", "application/json", FIELDS)]


def test_a_redirect_is_not_followed_and_no_url_is_in_what_is_said() -> None:
    with serving(Server()) as other, serving(Server(307, other.url)) as server:
        desk = Desk(url=server.url)
        desk.tell(ALERT, ALERT, until="alerts_failed")
        assert (len(server.taken), other.taken) == (2, [])
    assert desk.said == [("error", "alerts.url: answered 307; not said again until it works")]


def test_a_server_that_hangs_or_is_not_there_holds_nothing_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk = Desk(url=f"http://127.0.0.1:{silent.getsockname()[1]}/hush", timeout_s=0.3)
        desk.tell(ALERT, ALERT, until="alerts_failed")
        assert desk.said == [("error", "alerts.url: has not answered within 0.3 s; not said again until it works")]
    desk = Desk(url="http://127.0.0.1:9/hush")
    desk.tell(ALERT, until="alerts_failed")
    assert desk.said == [
        ("error", "alerts.url: cannot be reached (ClientConnectorError); not said again until it works")
    ]


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://127.0.0.1/x", "https:///x", "example.com", "file:///x"])
def test_an_alert_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(ValidationError, match="neither https nor http on this machine"):
        Settings.model_validate({"alerts": {"url": url}})


@pytest.mark.parametrize(
    "url", ["https://example.com/x", "http://127.0.0.1:80/x", "http://localhost/", "http://[::1]/"]
)
def test_https_and_this_machine_are_places_to_tell(url: str) -> None:
    assert Settings.model_validate({"alerts": {"url": url}}).alerts.url == url


def test_nobody_is_told_unless_it_is_set() -> None:
    assert Notifier(Settings().alerts, lambda level, text: None).workers() == []
