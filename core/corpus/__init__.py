"""Writes the corpus: masking, deduplication, the split in time and the report."""
