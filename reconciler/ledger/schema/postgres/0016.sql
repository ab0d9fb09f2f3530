-- From version 15 to 16. What was fetched of places that keep what they gave, so that none of it is fetched twice.
CREATE TABLE fetched_items (
    environment text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL,
    item text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    set_aside boolean NOT NULL,
    seen_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment, place, item)
);
