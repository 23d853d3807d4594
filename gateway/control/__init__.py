"""The control plane: one process (or one thread of `banyan up`) on its own port."""
