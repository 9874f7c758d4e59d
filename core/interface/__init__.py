"""What plugins are written with: hooks, stage types, and the data that stages exchange."""
