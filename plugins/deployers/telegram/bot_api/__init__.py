"""The Bot API client and its retries."""
