"""Finds, validates, installs and scaffolds plugins."""
