"""What the ledger keeps for the control plane: runs and their journal, live objects, snoozes."""
