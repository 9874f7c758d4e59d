"""The plugin interface: hooks, stage types, and the data that stages exchange."""
