-- From version 12 to 13. Sites that SparkLayer connected as an Ignite integration, and the credentials that it handed
-- over, sealed with a key that no ledger has.
CREATE TABLE ignite_connections (
    environment text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    store_id text COLLATE "C",
    connected boolean NOT NULL,
    changed_at text COLLATE "C" NOT NULL,
    reconnect_until text COLLATE "C",
    PRIMARY KEY (environment, target)
);
CREATE TABLE ignite_credentials (
    environment text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    sealed text COLLATE "C" NOT NULL,
    stored_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment, target)
);
