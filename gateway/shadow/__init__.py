"""Two answers to one request, and how they differ."""
