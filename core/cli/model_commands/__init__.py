"""`acc models`, one module a command."""
