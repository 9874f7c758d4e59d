"""From a stored message to a delivered reply."""
