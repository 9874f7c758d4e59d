"""Training by several processes together, on one machine or on many."""
