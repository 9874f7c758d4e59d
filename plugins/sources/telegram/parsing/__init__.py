"""Reads the JSON of an export, in any layout, and repairs it."""
