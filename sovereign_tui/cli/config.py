"""`sovereign config`: the settings that are in force, whether they are right, where they live, and changing one."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel

from schemas.settings import Home, Settings, SettingsError
from schemas.settings.edit import Busy, Change, alone, toml_text, write
from schemas.settings.edit import change as change_of
from schemas.settings.risk import loosened
from sovereign_tui.cli import common
from sovereign_tui.ops import client, launch

_WAIT_S: Final = 8.0
_RISK: Final = "risk"

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Settings.")


@app.command()
def show() -> None:
    """The settings in force, as TOML with what they mean."""
    home = common.find_home()
    typer.echo(as_toml(common.find_settings(home)), nl=False)


@app.command()
def check() -> None:
    """Exit code 0 if the settings can be used, else 78 with what is wrong."""
    home = common.find_home()
    common.find_settings(home)
    where = home.settings_file if home.settings_file.exists() else f"{home.settings_file} (absent: defaults)"
    typer.echo(f"{where}: fine")


@app.command()
def path() -> None:
    """Where the settings file is, or would be."""
    typer.echo(str(common.find_home().settings_file))


@app.command("set", context_settings={"ignore_unknown_options": True})
def set_key(
    key: Annotated[str, typer.Argument(help="Section and key, as `risk.max_orders_per_s`.")],
    value: Annotated[str, typer.Argument(help="The new value, as TOML.")],
    yes_loosen: Annotated[
        bool, typer.Option("--yes-loosen", help="Confirm a looser limit where there is no terminal.")
    ] = False,
) -> None:
    """Change one setting: a limit (section risk) in the running system too, the others from the next start on."""
    home = common.find_home()
    try:
        with alone(home.settings_file, _WAIT_S):
            typer.echo(_set(home, key, value, yes_loosen=yes_loosen))
    except Busy as error:
        common.fail([str(error)], common.EXIT_FAILED)


def _set(home: Home, key: str, value: str, *, yes_loosen: bool) -> str:
    """Does it; what to say then. Exits with 78 or 1 if it cannot be done."""
    try:
        change = change_of(home.settings_file, key, value)
    except SettingsError as error:
        common.fail(error.problems, common.EXIT_CONFIG)
    running = launch.ops_is_running(home)
    said = f"{key} = {change.value}"
    if change.section != _RISK:
        said += "; the running system takes it at its next start" if running else ""
    elif running:
        said = _tell(home, change, yes_loosen=yes_loosen)
    elif left := launch.orphans(home):
        common.fail([f"{', '.join(left)} runs without ops; `sovereign up` first"], common.EXIT_FAILED)
    elif loosened(change.before.risk, change.after.risk):
        _confirm(change, _value_of(change.before, key), yes_loosen=yes_loosen)
    try:
        write(home.settings_file, change.text)
    except OSError as error:
        problem = f"{home.settings_file}: cannot be written ({error.strerror}); mend its mode"
        common.fail([*([f"the running system has it, {said}"] if running else []), problem], common.EXIT_FAILED)
    return said


def _tell(home: Home, change: Change, *, yes_loosen: bool) -> str:
    """Has the running system take it; what it said. Exits with 1 if it did not take it."""
    answer = _ask(home, change, confirmed=False)
    if not answer["ok"] and answer["loosening"]:
        _confirm(change, answer["old"], yes_loosen=yes_loosen)
        answer = _ask(home, change, confirmed=True)
    if not answer["ok"]:
        common.fail([answer["text"]], common.EXIT_FAILED)
    return str(answer["text"])


def _ask(home: Home, change: Change, *, confirmed: bool) -> dict[str, Any]:
    command = {
        "cmd": "config", "key": change.key, "value": change.value, "confirmed": confirmed, "issuer": common.issuer(),
    }  # fmt: skip
    try:
        return client.request_blocking(home, command, _WAIT_S)
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED)


def _confirm(change: Change, old: str, *, yes_loosen: bool) -> None:
    """A looser limit: the operator types the key's name, or has said so where there is no terminal."""
    what = f"{change.key}: {old} -> {change.value} allows more than now"
    if not sys.stdin.isatty():
        if not yes_loosen:
            common.fail([f"{what}; say --yes-loosen, or type it at a terminal"], common.EXIT_CONFIG)
        return
    if not common.typed(f"{what}. Type {change.key} to confirm: ", change.key):
        common.fail([f"{change.key} was not typed; nothing was changed"], common.EXIT_CONFIG)


def _value_of(settings: Settings, key: str) -> str:
    section, _, name = key.partition(".")
    return toml_text(settings.model_dump(mode="json")[section][name])


def as_toml(settings: Settings) -> str:
    """Every key at its value, its meaning beside it; a file of this text gives the same settings."""
    lines: list[str] = []
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        assert isinstance(section, BaseModel)
        lines += [f"[{name}]", f"# {(section.__doc__ or '').splitlines()[0]}"]
        values = section.model_dump(mode="json")
        for key, field in type(section).model_fields.items():
            lines.append(f"{key} = {_value(values[key])}  # {field.description}")
        lines.append("")
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, str):
        return common.to_json(value)  # its escapes are TOML's
    return str(value)
