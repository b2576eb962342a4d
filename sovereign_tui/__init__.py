"""The cockpit, ops and the `sovereign` command."""
