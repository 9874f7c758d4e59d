"""Training: from a corpus to an adapter; begins in `train`."""
