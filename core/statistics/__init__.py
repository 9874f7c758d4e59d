"""Counts messages and dialogs while they pass."""
