"""`sovereign blackbox`: what was recorded, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from schemas.blackbox import BlackboxReader, SegmentBroken
from sovereign_tui.cli import common

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The record of every message.")

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("ls")
def list_segments(as_json: _Json = False) -> None:
    """List the files of the record."""
    home = common.find_home()
    rows = []
    for segment in BlackboxReader(home.blackbox).segments():
        try:
            size = segment.path.stat().st_size
        except FileNotFoundError:
            continue  # deleted as too old, just now
        rows.append({"path": str(segment.path), "process": segment.process, "pid": segment.pid, "bytes": size})
    if as_json:
        common.print_json({"segments": rows})
        return
    for row in rows:
        typer.echo(f"{row['process']:<10} {row['pid']:>8} {row['bytes']:>12}  {row['path']}")
    if not rows:
        typer.echo(f"nothing recorded in {home.blackbox}")


@app.command()
def verify(as_json: _Json = False) -> None:
    """Check every file: lengths, checksums, chain. Exit code 1 if one is damaged."""
    home = common.find_home()
    results: list[dict[str, Any]] = []
    broken = 0
    try:
        for found in BlackboxReader(home.blackbox).verify():
            damaged = isinstance(found, SegmentBroken)
            broken += damaged
            results.append({**asdict(found), "path": str(found.path), "ok": not damaged})
            if not as_json:
                mark = f"BROKEN at byte {found.offset}: {found.reason}" if isinstance(found, SegmentBroken) else "ok"
                typer.echo(f"{found.path}: {found.records} records, {mark}")
    except OSError as error:
        common.fail([f"{error.filename}: {error.strerror}"], common.EXIT_FAILED, as_json=as_json)
    if as_json:
        common.print_json({"ok": not broken, "segments": results})
    elif not results:
        typer.echo(f"nothing recorded in {home.blackbox}")
    if broken:
        raise typer.Exit(common.EXIT_FAILED)
