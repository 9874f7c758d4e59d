"""From an update to a stored message."""
