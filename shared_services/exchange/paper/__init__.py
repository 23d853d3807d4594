"""An exchange of our own: a synthetic market and an account in the store."""
