"""Bases: the language models that an adapter is trained for. Finds, downloads and verifies their files."""
