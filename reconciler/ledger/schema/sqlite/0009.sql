-- From version 8 to 9. What was applied as absent, with the state that others still have to carry something out of.
CREATE TABLE removals (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    state JSON NOT NULL,
    applied_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
