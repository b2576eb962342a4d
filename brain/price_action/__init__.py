"""Layer 1, price action: what the candles say. Causal: a value at a bar never changes when later bars arrive."""
