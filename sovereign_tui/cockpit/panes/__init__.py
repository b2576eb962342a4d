"""The panes: (paint, width, height) -> rows. Pure; a new pane is a module here and a line in `catalogue`."""
