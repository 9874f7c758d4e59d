"""Finds past exchanges: what the person once replied to a similar line."""
