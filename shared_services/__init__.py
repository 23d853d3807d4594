"""The trading services both stacks share; no web framework is imported here."""
