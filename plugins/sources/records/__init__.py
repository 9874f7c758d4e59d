"""Bundled plugins: read logs of one record a message, as JSON Lines (`jsonl`) and as tables (`csv`)."""
