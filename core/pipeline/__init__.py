"""Runs the stages of a pipeline: in order, and where it is faster in worker processes."""
