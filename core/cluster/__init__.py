"""Runs work on the machines of a Ray cluster. Nothing of Ray is imported before it is used."""
