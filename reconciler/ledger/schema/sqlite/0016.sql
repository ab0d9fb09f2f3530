-- From version 15 to 16. What was fetched of places that keep what they gave, so that none of it is fetched twice.
CREATE TABLE fetched_items (
    environment TEXT NOT NULL,
    place TEXT NOT NULL,
    item TEXT NOT NULL,
    version TEXT NOT NULL,
    position INTEGER NOT NULL,
    set_aside BOOLEAN NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (environment, place, item)
);
