"""Ranks candidate replies in their context, by features whose weights are learnt from the person's own dialogs."""
