"""Writes the corpus: masking, deduplication, the split by time and the report."""
