-- From version 11 to 12. When an object was applied first, as far as the ledger knows: so far when it was last.
CREATE TABLE first_applies (
    api_url text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    live_id text COLLATE "C" NOT NULL,
    applied_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
INSERT INTO first_applies (api_url, kind, live_id, applied_at)
    SELECT api_url, kind, live_id, applied_at FROM snapshots;
