"""Start models: local or downloaded, imported from the original CakeChat, extended by tokens and labels."""
