"""Stores corpora and models on disk, with artifact keys, manifests and checksums."""
