"""Where everything lives: SOVEREIGN_HOME moves it all; without it the XDG directories (macOS: their twins)."""

from __future__ import annotations

import contextlib
import os
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

_LONGEST_SOCKET_PATH: Final = 100  # sun_path holds 104 bytes on macOS, 108 on Linux


class HomeError(Exception):
    """A directory that cannot be used; the message names it and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The directories of one instance."""

    settings_file: Path
    keys: Path
    runtime: Path
    data: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Home by SOVEREIGN_HOME, else by XDG."""
        if root := environment.get("SOVEREIGN_HOME"):
            base = _whole(Path(root))
            return cls(
                settings_file=base / "settings.toml", keys=base / "keys", runtime=base / "run", data=base / "data"
            )
        config = Path(platformdirs.user_config_dir("sovereign", appauthor=False))
        return cls(
            settings_file=config / "settings.toml",
            keys=config / "keys",
            runtime=_runtime(),
            data=Path(platformdirs.user_data_dir("sovereign", appauthor=False)),
        )

    @property
    def blackbox(self) -> Path:
        """Directory of the blackbox's segments."""
        return self.data / "blackbox"

    @property
    def logs(self) -> Path:
        """Directory of what the processes write to stderr."""
        return self.data / "logs"

    @property
    def control_socket(self) -> Path:
        """The Unix socket on which ops takes commands."""
        return self.runtime / "ops.sock"

    def prepare(self) -> None:
        """Make the directories, private to the user.

        Raises: HomeError.
        """
        for directory in (self.settings_file.parent, self.keys, self.runtime, self.data, self.blackbox, self.logs):
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HomeError(
                    f"{directory}: cannot be made ({error.strerror}); set SOVEREIGN_HOME to a directory you may write"
                ) from None
            if not os.access(directory, os.W_OK | os.X_OK):
                raise HomeError(
                    f"{directory}: not writable; chmod u+rwx it, or set SOVEREIGN_HOME to another directory"
                )
        mode = stat.S_IMODE(self.runtime.stat().st_mode)
        if mode & 0o077:
            try:
                self.runtime.chmod(0o700)
            except OSError as error:
                raise HomeError(f"{self.runtime}: mode {mode:o} and cannot be made 700 ({error.strerror})") from None
        if len(str(self.control_socket)) > _LONGEST_SOCKET_PATH:
            raise HomeError(
                f"{self.control_socket}: longer than {_LONGEST_SOCKET_PATH} characters, which no Unix socket can be; "
                "set SOVEREIGN_HOME to a shorter path"
            )


def _runtime() -> Path:
    """Of this user; one that cannot be made, where another user's stands in its place. Says nothing of its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # without XDG_RUNTIME_DIR it takes the next best: every command would say so
            return Path(platformdirs.user_runtime_dir("sovereign", appauthor=False))
    except OSError as error:
        return Path(os.devnull) / str(error.filename or "runtime").lstrip("/")


def _whole(path: Path) -> Path:
    """From the root; one that cannot be made for the `~name` of nobody, and where the current directory is gone."""
    with contextlib.suppress(RuntimeError, OSError):
        return path.expanduser().absolute()
    return Path(os.devnull) / path
