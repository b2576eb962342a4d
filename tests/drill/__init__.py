"""Drills: the kill switch and the watches, tried and timed in real processes."""
