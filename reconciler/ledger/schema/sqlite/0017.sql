-- From version 16 to 17. Who wrote to live configuration, as webhooks told, and when live was restored from elsewhere.
CREATE TABLE config_moves (
	api_url TEXT NOT NULL,
	path TEXT NOT NULL,
	verb TEXT NOT NULL,
	by TEXT NOT NULL,
	moved_at VARCHAR(32) NOT NULL,
	ours BOOLEAN NOT NULL,
	PRIMARY KEY (api_url, path, verb, by, moved_at)
);
CREATE INDEX config_moves_by_time ON config_moves (api_url, moved_at);
CREATE TABLE config_restores (
	api_url TEXT NOT NULL PRIMARY KEY,
	restored_at VARCHAR(32) NOT NULL,
	checked_at VARCHAR(32)
);
