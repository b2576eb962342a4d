"""The CURVE keys of one user's system: one pair for what binds, one for what connects."""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

import zmq

from schemas.channels.errors import KeyringError

_FILE: Final = "curve.keys"
_KEY_LENGTH: Final = 40
_REMAKE: Final = "stop every process, delete the file and start again: new keys are made"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Z85 keys, 40 bytes each. Whoever can read the file can order and halt, so only its owner may."""

    server_public: bytes
    server_secret: bytes = field(repr=False)
    client_public: bytes
    client_secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Keyring:
        """New keys, in memory only."""
        server_public, server_secret = zmq.curve_keypair()
        client_public, client_secret = zmq.curve_keypair()
        return cls(server_public, server_secret, client_public, client_secret)

    @classmethod
    def load_or_create(cls, directory: Path) -> Keyring:
        """The keys in `directory`, made on first use (file 0600 in a directory 0700).

        Two processes that start at once end up with the same keys: the file appears whole, by a link, once.

        Raises: KeyringError, if others could read the keys, or the file is not a keyring.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _demand_private(directory, os.stat(directory), "directory", 0o700)
            path = directory / _FILE
            if not os.path.lexists(path):
                _publish(path, cls.generate())
            return _load(path)
        except OSError as error:
            problem = error.strerror or str(error)
            raise KeyringError(directory, problem, "give this user a directory of its own there") from error


def _demand_private(path: Path, found: os.stat_result, what: str, wanted: int) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.geteuid():
        raise KeyringError(path, f"the {what} belongs to user {found.st_uid}", f"chown it to {os.geteuid()}", mode=mode)
    if mode & 0o077:
        raise KeyringError(path, f"others can reach the {what} of the keys", f"chmod {wanted:o} {path}", mode=mode)


def _publish(path: Path, keys: Keyring) -> None:
    text = b"".join(b"%s %s\n" % (f.name.encode(), getattr(keys, f.name)) for f in fields(keys))
    scratch = path.with_name(f".{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)
    except FileExistsError:
        pass  # another process was first: its keys are the keys
    finally:
        os.unlink(scratch)


def _load(path: Path) -> Keyring:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        _demand_private(path, os.fstat(descriptor), "file", 0o600)
        lines = file.read(4096).splitlines()
    found = dict(line.split(b" ", 1) for line in lines if b" " in line)
    names = [f.name for f in fields(Keyring)]
    if sorted(found) != sorted(name.encode() for name in names):
        raise KeyringError(path, "not a keyring of four keys", _REMAKE)
    keys = Keyring(**{name: found[name.encode()] for name in names})
    _demand_pair(path, keys.server_public, keys.server_secret)
    _demand_pair(path, keys.client_public, keys.client_secret)
    return keys


def _demand_pair(path: Path, public: bytes, secret: bytes) -> None:
    matches = False
    if len(public) == _KEY_LENGTH == len(secret):
        try:
            matches = zmq.curve_public(secret) == public
        except zmq.ZMQError:
            matches = False  # not Z85
    if not matches:
        raise KeyringError(path, "a public key does not belong to its secret key", _REMAKE)
