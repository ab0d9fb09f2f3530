"""`reconciler ledger`: what the ledger believes, and its care."""
