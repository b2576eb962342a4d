"""One API key of a venue, and the names under which a process finds it in its environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

VARIABLES: Final = ("SOVEREIGN_API_KEY", "SOVEREIGN_SECRET", "SOVEREIGN_PASSPHRASE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Its repr shows nothing."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)

    def texts(self) -> tuple[str, str, str]:
        """In the order of VARIABLES."""
        return self.api_key, self.secret, self.passphrase

    def variables(self) -> dict[str, str]:
        """As the engine wants them in its environment."""
        return dict(zip(VARIABLES, self.texts(), strict=True))
