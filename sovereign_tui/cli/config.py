"""`sovereign config`: the settings that are in force, whether they are right, and where they live."""

from __future__ import annotations

import typer
from pydantic import BaseModel

from schemas.settings import Settings
from sovereign_tui.cli import common

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
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
