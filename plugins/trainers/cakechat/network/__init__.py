"""The HRED network: layers, loss, scores and weights on disk."""
