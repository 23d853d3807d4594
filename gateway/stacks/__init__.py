"""The stacks: apps that can answer, each behind one ASGI callable."""
