-- From version 23 to 24. Several hands of one run: in which run a record was claimed last, how long a hand lives without a
-- sign of life, which runs take hands, and the ranges of a walk.
ALTER TABLE data_records ADD COLUMN claimed_run TEXT;
ALTER TABLE data_hands ADD COLUMN expires_at TEXT;
ALTER TABLE data_runs ADD COLUMN takes_hands BOOLEAN NOT NULL DEFAULT 0;
CREATE TABLE data_ranges (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    run TEXT NOT NULL,
    part INTEGER NOT NULL,
    bounds TEXT NOT NULL,
    hand TEXT,
    listed INTEGER NOT NULL,
    ended BOOLEAN NOT NULL,
    PRIMARY KEY (scope, run, part)
);
