"""Where the exchange's outside world comes from: a seeded market, or a recording."""
