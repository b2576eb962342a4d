"""Layer 2, order flow: what rests in the book and who takes from it."""
