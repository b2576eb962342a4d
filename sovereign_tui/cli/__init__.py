"""`sovereign`: the command line. Each command's module is loaded when that command is called, and no other."""

from sovereign_tui.cli.main import main

__all__ = ["main"]
