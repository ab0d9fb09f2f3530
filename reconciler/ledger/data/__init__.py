"""What the ledger keeps for the data plane: records and how far they are, runs, names, problems."""
