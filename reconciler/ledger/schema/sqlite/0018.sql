-- From version 17 to 18. What the last look for drift at an environment found, and since when it is there.
CREATE TABLE drift_looks (
    environment TEXT NOT NULL,
    found TEXT NOT NULL,
    PRIMARY KEY (environment)
);
