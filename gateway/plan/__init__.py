"""The traffic plan: what an operator may change while the gateway runs."""
