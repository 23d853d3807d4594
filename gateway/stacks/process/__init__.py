"""A stack in a process of its own, which each worker starts and watches."""
