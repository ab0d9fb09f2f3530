-- From version 19 to 20. Which revision of a record a message raised last, and what speaks against trusting messages.
ALTER TABLE data_records ADD COLUMN heard INTEGER;
CREATE TABLE hearing_gaps (
    scope INTEGER NOT NULL,
    part TEXT NOT NULL,
    key TEXT NOT NULL,
    why TEXT NOT NULL,
    revision INTEGER,
    seen_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (scope, part, key)
);
