"""The Bot API client, its retries, and the texts that it accepts."""
