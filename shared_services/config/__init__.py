"""The configuration: validated, versioned, one for both stacks."""
