"""What must be remembered: journal, lock, fingerprints, snapshots, snoozes."""
