"""The screen: what the processes say, drawn on a timer, and the kill key.

One direction: sockets -> `feed` -> `reduce` -> `view` -> `panes` (pure text) -> `pane` (the widget that paints rows).
"""
