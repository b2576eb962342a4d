"""A bar on stderr while something long is read, where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bytes_read(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that hears of (bytes done, bytes in all); nothing is drawn where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(
        *columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task(label, total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield told


@contextmanager
def coming_up() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar that hears of each status of a system that starts: how much of it is up, and what it waits for."""
    columns = (TextColumn("starting"), BarColumn(bar_width=30), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("ops", total=None)
        most = 1

        def told(status: dict[str, Any]) -> None:
            nonlocal most
            waiting = status["waiting_for"]
            most = max(most, len(waiting), len(status["processes"]) + 1)
            what = f"waiting for {waiting[0]}" if waiting else "up"
            progress.update(task, completed=most - len(waiting), total=most, description=what)

        yield told
