-- From version 11 to 12. When an object was applied first, as far as the ledger knows: so far when it was last.
CREATE TABLE first_applies (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
INSERT INTO first_applies (api_url, kind, live_id, applied_at)
    SELECT api_url, kind, live_id, applied_at FROM snapshots;
