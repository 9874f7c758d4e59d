"""Shows results to people: tables, pages, progress and logs."""
