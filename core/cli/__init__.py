"""The command line `acc`, one module for each command."""
