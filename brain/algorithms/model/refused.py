"""Why a model file is not used. Said at the start, like a setting that cannot be."""

from __future__ import annotations


class ModelRefused(Exception):
    """The file cannot be the brain's model. `field` is the setting or the part of the file, `mend` what helps."""

    def __init__(self, value: object, why: str, mend: str, *, field: str = "model.path") -> None:
        super().__init__(f"{field} = {str(value)!r}: {why}; {mend}")
        self.field, self.value, self.why, self.mend = field, str(value), why, mend


class BadOutput(ValueError):
    """What the model gave for these features is no score; the message says what it was."""
