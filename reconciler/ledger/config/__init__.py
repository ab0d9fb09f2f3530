"""Control plane of the ledger: runs and their journal, snapshots and fingerprints of live objects, leases, snoozes."""
