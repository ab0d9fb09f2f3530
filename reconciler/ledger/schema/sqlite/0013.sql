-- From version 12 to 13. Sites that SparkLayer connected as an Ignite integration, and the credentials that it handed
-- over, sealed with a key that no ledger has.
CREATE TABLE ignite_connections (
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    store_id TEXT,
    connected BOOLEAN NOT NULL,
    changed_at TEXT NOT NULL,
    reconnect_until TEXT,
    PRIMARY KEY (environment, target)
);
CREATE TABLE ignite_credentials (
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    PRIMARY KEY (environment, target)
);
