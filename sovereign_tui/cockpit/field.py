"""A line to type into, which does what was typed in the order in which it was typed."""

from __future__ import annotations

from textual.events import Key
from textual.widgets import Input


class Field(Input):
    """Textual's has a key that is bound (backspace, delete) go around by screen and app, while a character is taken at
    once: in a burst, as a slow line or a paste brings it, the character overtakes the key before it."""

    async def _on_key(self, event: Key) -> None:
        bound = self._bindings.key_to_bindings.get(event.key)
        if not bound:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        await self.run_action(bound[0].action)
