"""Masking: placeholders for phone numbers, e-mail addresses, cards, IBANs and secrets, so that no model learns them."""
