"""Data plane of the ledger: runs, records with revisions and fingerprints, names, problems, dates of the sync log."""
