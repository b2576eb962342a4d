"""The terminal's side of the cockpit: what is written to it and when, what it answers, and how it is left."""
