"""The ledger: booked fills, cost basis and daily result, and the account they describe."""
