-- From version 9 to 10. Requests and their steps, since when the requests of a live side are remembered, and the runs of
-- data syncs that somebody asked for.
CREATE TABLE requests (
	api_url TEXT NOT NULL,
	id TEXT NOT NULL,
	environment TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	does TEXT NOT NULL,
	holder TEXT NOT NULL,
	asked_at VARCHAR(32) NOT NULL,
	unremembered BOOLEAN NOT NULL,
	PRIMARY KEY (api_url, id)
);
CREATE TABLE request_steps (
	api_url TEXT NOT NULL,
	id TEXT NOT NULL,
	position INTEGER NOT NULL,
	does TEXT NOT NULL,
	state TEXT NOT NULL,
	message TEXT,
	updated_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (api_url, id, position)
);
CREATE TABLE request_memory (
	api_url TEXT NOT NULL,
	since VARCHAR(32) NOT NULL,
	PRIMARY KEY (api_url)
);
CREATE TABLE data_wanted_runs (
	scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
	request TEXT NOT NULL,
	mode TEXT NOT NULL,
	wanted_at VARCHAR(32) NOT NULL,
	run TEXT,
	PRIMARY KEY (scope, request)
);
