"""A recorded session played again: sessions found in the blackbox, indexed, and read by a clock that can be moved."""
