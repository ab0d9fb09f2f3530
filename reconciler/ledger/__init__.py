"""Ledger: the database of journal, locks, fingerprints, snapshots, leases, snoozes, and of records of data syncs."""
