"""What the processes share, and nothing else: the wire, its values, the settings, the blackbox."""
