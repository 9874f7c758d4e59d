"""Reads pipeline.toml and turns its tables into typed options."""
