"""Layer 4, risk: how much, and whether now."""
