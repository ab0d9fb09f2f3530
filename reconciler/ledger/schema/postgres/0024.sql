-- From version 23 to 24. Several hands of one run: in which run a record was claimed last, how long a hand lives without a
-- sign of life, which runs take hands, and the ranges of a walk.
ALTER TABLE data_records ADD COLUMN claimed_run text COLLATE "C";
ALTER TABLE data_hands ADD COLUMN expires_at text COLLATE "C";
ALTER TABLE data_runs ADD COLUMN takes_hands boolean NOT NULL DEFAULT false;
CREATE TABLE data_ranges (
    scope integer NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    run text COLLATE "C" NOT NULL,
    part bigint NOT NULL,
    bounds text COLLATE "C" NOT NULL,
    hand text COLLATE "C",
    listed bigint NOT NULL,
    ended boolean NOT NULL,
    PRIMARY KEY (scope, run, part)
);
