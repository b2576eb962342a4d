"""A keyring for tests: in memory, or, so that several commands share it, in the directory that a test names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

FILE = "TEST_KEYRING_FILE"


class TestKeyring(KeyringBackend):
    """Selected by PYTHON_KEYRING_BACKEND=tests.support.keyring.TestKeyring, or keyring.set_keyring."""

    __test__ = False
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._memory: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._read() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError(username)
        self._write(kept)

    def _read(self) -> dict[str, str]:
        path = os.environ.get(FILE)
        if path is None:
            return dict(self._memory)
        return json.loads(Path(path).read_text()) if Path(path).exists() else {}

    def _write(self, kept: dict[str, str]) -> None:
        path = os.environ.get(FILE)
        if path is None:
            self._memory = kept
        else:
            Path(path).write_text(json.dumps(kept))


class PlaintextKeyring(TestKeyring):
    """One that says of itself that it keeps in clear."""
