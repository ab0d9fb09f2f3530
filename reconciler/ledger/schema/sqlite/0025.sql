-- From version 24 to 25. What processes share of an API: its rate, and that it is away.
CREATE TABLE rate_limits (
    key TEXT NOT NULL,
    quota TEXT NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE api_outages (
    key TEXT NOT NULL,
    since VARCHAR(32) NOT NULL,
    until VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (key)
);
