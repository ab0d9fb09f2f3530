-- From version 19 to 20. Which revision of a record a message raised last, and what speaks against trusting messages.
ALTER TABLE data_records ADD COLUMN heard bigint;
CREATE TABLE hearing_gaps (
    scope bigint NOT NULL,
    part text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    why text COLLATE "C" NOT NULL,
    revision bigint,
    seen_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, part, key)
);
