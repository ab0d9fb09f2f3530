-- From version 9 to 10. Requests and their steps, since when the requests of a live side are remembered, and the runs of
-- data syncs that somebody asked for.
CREATE TABLE requests (
    api_url text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    does text NOT NULL,
    holder text NOT NULL,
    asked_at text COLLATE "C" NOT NULL,
    unremembered boolean NOT NULL,
    PRIMARY KEY (api_url, id)
);
CREATE TABLE request_steps (
    api_url text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    does text NOT NULL,
    state text COLLATE "C" NOT NULL,
    message text,
    updated_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (api_url, id, position)
);
CREATE TABLE request_memory (
    api_url text COLLATE "C" PRIMARY KEY,
    since text COLLATE "C" NOT NULL
);
CREATE TABLE data_wanted_runs (
    scope integer NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    request text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    wanted_at text COLLATE "C" NOT NULL,
    run text COLLATE "C",
    PRIMARY KEY (scope, request)
);
