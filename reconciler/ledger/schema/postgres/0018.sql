-- From version 17 to 18. What the last look for drift at an environment found, and since when it is there.
CREATE TABLE drift_looks (
    environment text COLLATE "C" NOT NULL,
    found text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment)
);
