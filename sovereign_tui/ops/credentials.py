"""The operator's keys of a venue: the environment wins, else the keyring of the desktop. Never a file in clear."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from sovereign_tui.ops.keyset import VARIABLES, Keys

SERVICE: Final = "sovereign"
FIELDS: Final = ("api_key", "secret", "passphrase")
_MEND: Final = (
    "unlock or install a keyring (macOS Keychain, GNOME Keyring, KWallet), "
    f"or set {', '.join(VARIABLES)} in the environment"
)
_NO_STORES: Final = ("keyring.backends.fail", "keyring.backends.null")
_ALTERNATIVES: Final = "keyrings.alt."
_NOTHING: Final = "there is no keyring here"


class CredentialsError(Exception):
    """The keys cannot be read or kept; the message says why and the mend, and holds no secret."""


def find(name: str, environ: Mapping[str, str]) -> Keys | None:
    """The keys kept under the name of a venue; None: there are none. Raises: CredentialsError."""
    given = [environ.get(variable, "") for variable in VARIABLES]
    if any(given):
        missing = [variable for variable, text in zip(VARIABLES, given, strict=True) if not text]
        if missing:
            raise CredentialsError(
                f"the environment has some of the keys but not {', '.join(missing)}; set or unset all"
            )
        return _sendable(_keys(given), "set")
    backend = safe_backend()
    try:
        kept = [backend.get_password(SERVICE, _entry(name, one)) for one in FIELDS]
    except KeyringError as error:
        raise _unusable(backend, error) from None
    return _keys([text for text in kept if text]) if all(kept) else None


def store(name: str, keys: Keys) -> None:
    """Keep the keys in the keyring, all three or, whatever comes between, what was there. Raises: CredentialsError."""
    _sendable(keys, "give")
    backend = safe_backend()
    entries = [_entry(name, one) for one in FIELDS]
    kept: list[str | None] = []
    try:
        kept = [backend.get_password(SERVICE, entry) for entry in entries]
        for entry, text in zip(entries, keys.texts(), strict=True):
            backend.set_password(SERVICE, entry, text)
    except (KeyringError, KeyboardInterrupt) as error:
        with contextlib.suppress(KeyringError):
            _put_back(backend, dict(zip(entries, kept, strict=False)))
        if isinstance(error, KeyringError):
            raise _unusable(backend, error) from None
        raise


def _put_back(backend: KeyringBackend, kept: Mapping[str, str | None]) -> None:
    """The entries as they were; a new key beside an old secret is neither. Raises: KeyringError."""
    for entry, text in kept.items():
        if text is not None:
            backend.set_password(SERVICE, entry, text)
        elif backend.get_password(SERVICE, entry) is not None:
            backend.delete_password(SERVICE, entry)


def remove(name: str) -> bool:
    """Take the keys out of the keyring. False: there were none. Raises: CredentialsError."""
    backend = safe_backend()
    found = False
    try:
        for one in FIELDS:
            if backend.get_password(SERVICE, _entry(name, one)) is not None:
                backend.delete_password(SERVICE, _entry(name, one))
                found = True
    except PasswordDeleteError:
        raise CredentialsError(
            f"the keyring does not let go of the keys of {name}; remove them with its own tool"
        ) from None
    except KeyringError as error:
        raise _unusable(backend, error) from None
    return found


def safe_backend() -> KeyringBackend:
    """The keyring in use; of several, the first that keeps secrets as such. Raises: CredentialsError: there is none."""
    chosen = keyring.get_keyring()
    problems = []
    for backend in getattr(chosen, "backends", [chosen]):
        problem = _unsafe(type(backend))
        if problem is None:
            return backend  # type: ignore[no-any-return]
        problems.append(problem)
    raise CredentialsError(f"{problems[0] if problems else _NOTHING}; {_MEND}")


def _unsafe(kind: type) -> str | None:
    if kind.__module__ in _NO_STORES:
        return _NOTHING
    clear = any("plaintext" in base.__name__.lower() for base in kind.__mro__)
    if clear or (kind.__module__.startswith(_ALTERNATIVES) and "Encrypted" not in kind.__name__):
        return f"the keyring {kind.__module__}.{kind.__name__} keeps secrets in clear, which is refused"
    return None


def _keys(texts: list[str]) -> Keys:
    api_key, secret, passphrase = texts
    return Keys(api_key=api_key, secret=secret, passphrase=passphrase)


def _sendable(keys: Keys, verb: str) -> Keys:
    """The keys, if they can be sent as a header: printable ASCII without spaces at their ends."""
    for one, text in zip(FIELDS, keys.texts(), strict=True):
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            raise CredentialsError(
                f"the {one.replace('_', ' ')} has a character that no key of OKX has (a line break, a letter beyond "
                f"ASCII, a space at an end); {verb} it again, as the venue shows it"
            )
    return keys


def _entry(name: str, one: str) -> str:
    return f"{name}.{one}"


def _unusable(backend: KeyringBackend, error: KeyringError) -> CredentialsError:
    return CredentialsError(f"the keyring {type(backend).__name__} cannot be used ({type(error).__name__}); {_MEND}")
