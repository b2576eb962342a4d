"""`sovereign blackbox`: what was recorded, whether it is whole, and what it says."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TextIO

import msgspec
import typer

from schemas.blackbox import BlackboxReader, Record, SegmentBroken, Span, span_of
from sovereign_tui.cli import common
from sovereign_tui.cli.decide import decide
from sovereign_tui.cli.explain import explain
from sovereign_tui.cli.moment import BadMoment, moment_ns
from sovereign_tui.cli.progress import bytes_read
from sovereign_tui.cli.replay import replay, sessions
from sovereign_tui.forensics.lines import COLUMNS, clock_time, exported, line
from sovereign_tui.forensics.tail import Tail

_FOLLOW_S: Final = 0.1
_EVERY: Final = 2_000
"""Records between two looks at how far it is."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The record of every message.")
app.command()(explain)
app.command()(decide)
app.command()(replay)
app.command()(sessions)

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Process = Annotated[str | None, typer.Option(help="Of this process alone.")]
_Topic = Annotated[str | None, typer.Option(help="Of this topic; with a * at its end, of those that begin so.")]
_Channel = Annotated[str | None, typer.Option(help="Of this channel, like gate, venue or matching.")]


@app.command("ls")
def list_segments(as_json: _Json = False) -> None:
    """List the files of the record, and the time that each covers (UTC)."""
    home = common.find_home()
    rows: list[dict[str, Any]] = []
    for segment in BlackboxReader(home.blackbox).segments():
        span = span_of(segment)
        try:
            size = segment.path.stat().st_size if span is None else span.size
        except FileNotFoundError:
            continue  # deleted as too old, just now
        since_ns, until_ns = (None, None) if span is None else (span.since_ns, span.until_ns)
        rows.append({
            "path": str(segment.path), "process": segment.process, "pid": segment.pid, "bytes": size,
            "from_ns": since_ns, "to_ns": until_ns,
        })  # fmt: skip
    if as_json:
        common.print_json({"segments": rows})
        return
    for row in rows:
        begins, ends = (clock_time(ns)[:19] if ns else "UNKNOWN" for ns in (row["from_ns"], row["to_ns"]))
        typer.echo(f"{row['process']:<10} {row['pid']:>8} {row['bytes']:>12}  {begins} - {ends}  {row['path']}")
    if not rows:
        typer.echo(f"nothing recorded in {home.blackbox}")


@app.command()
def verify(as_json: _Json = False) -> None:
    """Check every file: lengths, checksums, chain. Exit code 1 if one is damaged."""
    home = common.find_home()
    results: list[dict[str, Any]] = []
    broken = 0
    reader = BlackboxReader(home.blackbox)
    total = sum(span.size for span in _spans(reader))
    try:
        with bytes_read("checking") as progress:
            for found in reader.verify(_counting(progress, total)):
                damaged = isinstance(found, SegmentBroken)
                broken += damaged
                results.append({**asdict(found), "path": str(found.path), "ok": not damaged})
                if not as_json:
                    mark = _broken(found) if isinstance(found, SegmentBroken) else "ok"
                    typer.echo(f"{found.path}: {found.records} records, {mark}")
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_output()
        common.fail(["whoever read this has gone; not all files were checked"], common.EXIT_FAILED)
    except OSError as error:
        _leave_output()
        common.fail([f"{error.filename or 'output'}: {error.strerror}"], common.EXIT_FAILED)
    if as_json:
        common.print_json({"ok": not broken, "segments": results})
    elif not results:
        typer.echo(f"nothing recorded in {home.blackbox}")
    if broken:
        raise typer.Exit(common.EXIT_FAILED)


def _broken(found: SegmentBroken) -> str:
    after = "" if found.after_ns is None else f", after {clock_time(found.after_ns)} UTC"
    follows = f"; what stands there must follow {found.follows}" if found.follows else ""
    return f"BROKEN at byte {found.offset}: {found.reason} (record {found.records + 1}{after}{follows})"


def _counting(progress: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return read


def _spans(reader: BlackboxReader, process: str | None = None) -> list[Span]:
    return [span for span in map(span_of, reader.segments(process)) if span is not None]


@app.command()
def tail(
    process: _Process = None,
    channel: _Channel = None,
    topic: _Topic = None,
    count: Annotated[int, typer.Option("-n", min=0, help="So many of the newest.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
) -> None:
    """Show the newest records in words: time (UTC), process, direction, channel, topic, message."""
    home = common.find_home()
    here = Tail(home.blackbox, process=process, wanted=_wanted(channel, topic))
    try:
        _show(here.newest(count))
        while follow:
            time.sleep(_FOLLOW_S)
            _show(here.poll())
    except KeyboardInterrupt:
        raise typer.Exit(common.EXIT_OK) from None
    except BrokenPipeError:
        _enough()
    except OSError as error:
        common.fail([f"{error.filename or 'output'}: {error.strerror}"], common.EXIT_FAILED)


def _enough() -> NoReturn:
    """Who reads the output has gone (`| head`): no failure, and nothing more to say, not even while Python ends."""
    _leave_output()
    raise typer.Exit(common.EXIT_OK)


def _leave_output() -> None:
    """Python has nothing more to write when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(records: list[Record]) -> None:
    for record in records:
        sys.stdout.write(line(record) + "\n")
    sys.stdout.flush()


def _wanted(channel: str | None, topic: str | None) -> Callable[[Record], bool]:
    prefix = topic[:-1] if topic is not None and topic.endswith("*") else None

    def wanted(record: Record) -> bool:
        if channel is not None and record.channel != channel:
            return False
        if prefix is not None:
            return record.topic.startswith(prefix)
        return topic is None or record.topic == topic

    return wanted


@app.command()
def export(
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    since: Annotated[str | None, typer.Option("--from", help="UTC: 2026-11-21T13:00, 13:00, or -10m.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The same; not included.")] = None,
    process: _Process = None,
    channel: _Channel = None,
    topic: _Topic = None,
    output: Annotated[Path | None, typer.Option(help="A new file; without it, the standard output.")] = None,
) -> None:
    """Write the records of all processes, decoded, in the order of the machine's clock."""
    home = common.find_home()
    if form not in {"jsonl", "csv"}:
        common.fail([f"--format {form!r}: give jsonl or csv"], common.EXIT_FAILED)
    now_ns = time.time_ns()
    try:
        since_ns, until_ns = (None if text is None else moment_ns(text, now_ns) for text in (since, until))
    except BadMoment as error:
        common.fail([str(error)], common.EXIT_FAILED)
    reader = BlackboxReader(home.blackbox)
    try:
        with _target(output) as file, bytes_read("exporting") as progress:
            wanted = _wanted(channel, topic)
            records = filter(wanted, reader.read(process, since_ns, until_ns))
            count = _write(file, _watched(records, _spans(reader, process), progress), form)
    except BrokenPipeError:
        _enough()
    except OSError as error:
        common.fail([f"{error.filename or output or 'output'}: {error.strerror}"], common.EXIT_FAILED)
    for torn in reader.torn:
        sys.stderr.write(f"sovereign: {torn}\n")
    if output is not None:
        sys.stderr.write(f"{count} records in {output}\n")


@contextlib.contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("x", encoding="utf-8", newline="") as file:
        yield file


def _watched(records: Iterator[Record], spans: list[Span], progress: Callable[[int, int], None]) -> Iterator[Record]:
    """The same; how far it is follows from the time, since all files are read side by side."""
    begins, ends = min((s.since_ns for s in spans), default=0), max((s.until_ns for s in spans), default=0)
    total = sum(span.size for span in spans)
    for number, record in enumerate(records):
        if number % _EVERY == 0 and ends > begins:
            share = min(1.0, max(0.0, (record.wall_ns - begins) / (ends - begins)))
            progress(int(total * share), total)
        yield record


def _write(file: TextIO, records: Iterator[Record], form: str) -> int:
    count = 0
    sheet = csv.DictWriter(file, COLUMNS) if form == "csv" else None
    if sheet is not None:
        sheet.writeheader()
    for record in records:
        row = exported(record)
        if sheet is None:
            file.write(msgspec.json.encode(row).decode() + "\n")
        else:
            sheet.writerow({**row, "value": msgspec.json.encode(row["value"]).decode()})
        count += 1
    return count
