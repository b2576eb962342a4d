"""Reading the blackbox back: what a record says, and the story of one order or one halt."""
