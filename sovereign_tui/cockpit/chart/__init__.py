"""A chart made of characters: dots in braille (or plain ASCII), scales, and what is laid over the candles. Pure."""
