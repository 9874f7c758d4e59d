"""Runs the stages of a pipeline, in order and in worker processes."""
