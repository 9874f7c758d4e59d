"""Measures a model against held-out dialogs."""
