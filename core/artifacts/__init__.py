"""Keeps corpora and models on disk: keys, checksums and manifests."""
