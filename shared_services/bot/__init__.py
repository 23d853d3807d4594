"""The bot: one for all processes of both stacks."""
