"""Ops: the supervisor of engine, brain and exchange, owner of system events, collector of telemetry."""
