"""The routes that the naive port and the port with the kit have in common, to the letter."""
