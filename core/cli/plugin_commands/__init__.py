"""`acc plugins`, one module a command."""
