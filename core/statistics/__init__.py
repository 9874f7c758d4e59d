"""Counts messages and dialogs while they stream past."""
