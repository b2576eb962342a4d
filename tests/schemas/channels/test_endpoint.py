from __future__ import annotations

from pathlib import Path

import pytest

from schemas.channels import BadEndpoint, EndpointTaken
from tests.schemas.channels.support import ANY_PORT, Inbox, eventually, run, wire

BAD = [
    "",
    "5555",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:70000",
    "tcp://127.0.0.1:x",
    "udp://127.0.0.1:1",
    "inproc://x",
    "ipc://",
    "tcp://203.0.113.7:0",
    "ipc:///no/such/directory/socket",
    "ipc://" + "x" * 200,
]


@pytest.mark.parametrize("endpoint", BAD)
def test_a_bad_endpoint_is_named_and_nothing_is_left_open(endpoint: str) -> None:
    async def scene() -> None:
        async with wire() as ours:
            with pytest.raises(BadEndpoint, match="tcp://host:port") as caught:
                ours.publisher(endpoint)
            assert caught.value.endpoint == endpoint

    run(scene)


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:0", "tcp://*:6000", "nonsense"])
def test_what_cannot_be_connected_to_is_refused(endpoint: str) -> None:
    async def scene() -> None:
        async with wire() as ours:
            for connect in (ours.requester, ours.pusher):
                with pytest.raises(BadEndpoint):
                    connect(endpoint)

    run(scene)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_taken_endpoint_is_refused_and_its_holder_undisturbed(transport: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with wire() as holder, wire() as second:
            publisher = holder.publisher(ANY_PORT if transport == "tcp" else f"ipc://{tmp_path}/s")
            with pytest.raises(EndpointTaken, match="stop the process") as caught:
                second.publisher(publisher.endpoint)
            assert caught.value.endpoint == publisher.endpoint
            inbox = Inbox()
            publisher.publish("t", b"still here")
            second.subscriber(publisher.endpoint, [""], inbox)
            await eventually(lambda: inbox.payloads == [b"still here"])

    run(scene)


def test_a_socket_file_left_by_a_killed_process_does_not_stand_in_the_way(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def scene() -> None:
        async with wire() as ours:
            assert ours.publisher(f"ipc://{path}").endpoint == f"ipc://{path}"

    run(scene)


def test_localhost_is_understood() -> None:
    async def scene() -> None:
        async with wire() as ours:
            assert ours.publisher("tcp://localhost:0").endpoint.startswith("tcp://127.0.0.1:")

    run(scene)
