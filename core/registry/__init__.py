"""Finds, checks, installs and scaffolds plugins."""
