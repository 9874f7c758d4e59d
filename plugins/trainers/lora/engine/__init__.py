"""Engines: what runs the language model to generate and to score replies."""
