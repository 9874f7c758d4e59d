"""The bot's SQLite database."""
