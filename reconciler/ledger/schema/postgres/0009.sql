-- From version 8 to 9. What was applied as absent, with the state that others still have to carry something out of.
CREATE TABLE removals (
    api_url text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    live_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    applied_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
