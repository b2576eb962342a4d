"""`python -m sovereign_tui`: the same as `sovereign`."""

from sovereign_tui.cli import main

if __name__ == "__main__":
    main()
