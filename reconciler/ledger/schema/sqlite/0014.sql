-- From version 13 to 14. Inboxes of data syncs: how many messages of each type came and when, those from which records
-- are still to be raised, unknown ones for inspection, what messages told of records, and digests of what they told of
-- prices.
CREATE TABLE inboxes (
	id INTEGER NOT NULL PRIMARY KEY,
	environment TEXT NOT NULL,
	target TEXT NOT NULL,
	integration TEXT NOT NULL,
	UNIQUE (environment, target, integration)
);
CREATE TABLE inbox_types (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	outcome TEXT NOT NULL,
	taken INTEGER NOT NULL,
	last_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (inbox, type, outcome)
);
CREATE TABLE inbox_minutes (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	minute VARCHAR(32) NOT NULL,
	taken INTEGER NOT NULL,
	PRIMARY KEY (inbox, minute)
);
CREATE TABLE inbox_messages (
	number INTEGER NOT NULL PRIMARY KEY,
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	names JSON NOT NULL,
	position TEXT,
	taken_at VARCHAR(32) NOT NULL
);
CREATE INDEX inbox_messages_of_inbox ON inbox_messages (inbox, number);
CREATE TABLE inbox_unknown (
	number INTEGER NOT NULL PRIMARY KEY,
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	members JSON NOT NULL,
	taken_at VARCHAR(32) NOT NULL
);
CREATE INDEX inbox_unknown_of_inbox ON inbox_unknown (inbox, number);
CREATE TABLE inbox_told (
	scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	gone BOOLEAN NOT NULL,
	members JSON NOT NULL,
	revision INTEGER NOT NULL,
	told_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (scope, key)
);
CREATE TABLE inbox_marks (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY (inbox, name)
);
