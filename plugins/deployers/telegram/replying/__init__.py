"""From a pending message to a delivered reply."""
