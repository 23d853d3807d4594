"""The views of the twin app, by what they show a client."""
