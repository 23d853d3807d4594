"""Orders: validated, placed once, checked by risk management, recorded."""
