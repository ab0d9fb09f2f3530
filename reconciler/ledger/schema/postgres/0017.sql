-- From version 16 to 17. Who wrote to live configuration, as webhooks told, and when live was restored from elsewhere.
CREATE TABLE config_moves (
    api_url text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    verb text COLLATE "C" NOT NULL,
    by text COLLATE "C" NOT NULL,
    moved_at text COLLATE "C" NOT NULL,
    ours boolean NOT NULL,
    PRIMARY KEY (api_url, path, verb, by, moved_at)
);
CREATE INDEX config_moves_by_time ON config_moves (api_url, moved_at);
CREATE TABLE config_restores (
    api_url text COLLATE "C" NOT NULL PRIMARY KEY,
    restored_at text COLLATE "C" NOT NULL,
    checked_at text COLLATE "C"
);
