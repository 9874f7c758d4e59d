"""The model folder: adapter, tokenizer, settings, and the base or where to find it."""
