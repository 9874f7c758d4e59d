"""Start models: found locally or downloaded, imported, extended."""
