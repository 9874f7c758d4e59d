"""Reads pipeline.toml into typed options."""
