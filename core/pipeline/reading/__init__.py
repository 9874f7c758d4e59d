"""Reads chat logs and extracts dialogs: in this process, prefetched by a worker process, or in parallel."""
