"""The halt latch and the watches that raise causes."""
