"""The live portfolio: what the account holds at the prices of this moment."""
