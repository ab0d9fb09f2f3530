"""Data plane: records flow from a source to a target, again and again, and only what differs is written.

    source       reads records: all, those that changed, or some by ID
    mapper       maps a record as far as it tells by itself: a draft
    resolve      adds names that others have and what the target holds: the target state
    fingerprint  tells each part of it from what was written last
    sink         writes the parts that differ
    ledger       keeps fingerprints, retries and problems; in doubt from before a write until it is recorded

`datatype.py` is the protocol of what flows, `products/` implements it, `run/` is the engine, `monitor/` looks on.
"""
