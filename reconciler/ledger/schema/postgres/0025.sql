-- From version 24 to 25. What processes share of an API: its rate, and that it is away. Rates count for moments only, are
-- written often, and may be lost in a crash.
CREATE UNLOGGED TABLE rate_limits (
    key text COLLATE "C" NOT NULL,
    quota text COLLATE "C" NOT NULL,
    PRIMARY KEY (key)
) WITH (fillfactor = 50);
CREATE TABLE api_outages (
    key text COLLATE "C" NOT NULL,
    since text COLLATE "C" NOT NULL,
    until text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    PRIMARY KEY (key)
);
