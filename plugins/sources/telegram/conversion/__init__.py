"""Converts the records of an export to messages."""
