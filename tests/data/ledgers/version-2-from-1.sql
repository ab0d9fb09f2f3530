BEGIN TRANSACTION;
CREATE TABLE data_log_entries (
	number INTEGER NOT NULL, 
	scope INTEGER NOT NULL, 
	external_id TEXT NOT NULL, 
	open BOOLEAN NOT NULL, 
	version INTEGER NOT NULL, 
	offered INTEGER NOT NULL, 
	logged INTEGER NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (scope, external_id), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_names (
	scope INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	PRIMARY KEY (scope, kind, value), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_problems (
	number INTEGER NOT NULL, 
	scope INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	external_id TEXT NOT NULL, 
	part VARCHAR(32) NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	message TEXT NOT NULL, 
	url TEXT NOT NULL, 
	found_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (scope, "key", external_id, part, code), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_records (
	scope INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	wanted INTEGER NOT NULL, 
	applied INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	ready_at VARCHAR(32), 
	retry_at VARCHAR(32), 
	due_at VARCHAR(32), 
	prints TEXT NOT NULL, 
	held TEXT NOT NULL, 
	gone BOOLEAN NOT NULL, 
	dead BOOLEAN NOT NULL, 
	seen_run VARCHAR(32), 
	written_at VARCHAR(32), 
	claim VARCHAR(64), 
	claimed_until VARCHAR(32), 
	PRIMARY KEY (scope, "key"), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_runs (
	number INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	scope INTEGER NOT NULL, 
	mode VARCHAR(32) NOT NULL, 
	walks BOOLEAN NOT NULL, 
	"full" BOOLEAN NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	holder TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	watermark VARCHAR(32), 
	listed BOOLEAN NOT NULL, 
	log_opened BOOLEAN NOT NULL, 
	completed_at VARCHAR(32), 
	ended_at VARCHAR(32), 
	config TEXT NOT NULL, 
	counts JSON NOT NULL, 
	cursor TEXT, 
	message TEXT, 
	cancel_requested BOOLEAN NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_scopes (
	id INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	target TEXT NOT NULL, 
	integration TEXT NOT NULL, 
	data_type TEXT NOT NULL, 
	log_started VARCHAR(32), 
	log_full VARCHAR(32), 
	log_partial VARCHAR(32), 
	PRIMARY KEY (id), 
	UNIQUE (environment, target, integration, data_type)
);
CREATE TABLE data_waits (
	scope INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	PRIMARY KEY (scope, kind, value, "key"), 
	FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE fingerprints (
	api_url TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	live_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	in_doubt BOOLEAN NOT NULL, 
	applied_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (api_url, kind, live_id, path)
);
INSERT INTO "fingerprints" VALUES('https://api.example/v1','DeliveryConfig','search','target.other',X'',1,'2026-11-21T12:00:00.000000+00:00');
INSERT INTO "fingerprints" VALUES('https://api.example/v1','DeliveryConfig','search','target.key',X'1629B22C60AD6C6B6A75B412E07392281E65A589E230B687B92C9FBFE7B0413C',0,'2026-11-21T12:00:00.000000+00:00');
CREATE TABLE journal (
	run VARCHAR(32) NOT NULL, 
	change_key TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	message TEXT, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (run, change_key), 
	FOREIGN KEY(run) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "journal" VALUES('f0873cb642de1201','DeliveryConfig/search',0,'digest','applied','done','2026-11-21T12:00:00.000000+00:00');
INSERT INTO "journal" VALUES('beeaed682e1d389e','DeliveryConfig/search',0,'digest','sent',NULL,'2026-11-21T12:00:00.000000+00:00');
CREATE TABLE leases (
	api_url TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	live_id TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	until VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (api_url, kind, live_id)
);
CREATE TABLE ledger_meta (
	id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	salt BLOB NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "ledger_meta" VALUES(1,2,X'8BA9B5E61433E495C79D16A074BEE1D1');
CREATE TABLE locks (
	name TEXT NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	holder TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	process_started VARCHAR(32) NOT NULL, 
	taken_at VARCHAR(32) NOT NULL, 
	heartbeat_at VARCHAR(32) NOT NULL, 
	expires_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE overrides (
	run VARCHAR(32) NOT NULL, 
	rule TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (run, rule), 
	FOREIGN KEY(run) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "overrides" VALUES('f0873cb642de1201','maxDeletes','spring clean');
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	environment TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	finished_at VARCHAR(32), 
	"plan" JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('f0873cb642de1201','test','me','2026-11-21T12:00:00.000000+00:00','2026-11-21T12:00:00.000000+00:00','{"changes": []}');
INSERT INTO "runs" VALUES('beeaed682e1d389e','test','me','2026-11-21T12:00:00.000000+00:00',NULL,'{"changes": []}');
CREATE TABLE snapshots (
	api_url TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	live_id TEXT NOT NULL, 
	state JSON NOT NULL, 
	applied_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (api_url, kind, live_id)
);
INSERT INTO "snapshots" VALUES('https://api.example/v1','DeliveryConfig','search','{"name": "Search"}','2026-11-21T12:00:00.000000+00:00');
CREATE TABLE snoozes (
	environment TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	until VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	PRIMARY KEY (environment, kind, name)
);
INSERT INTO "snoozes" VALUES('test','EntitySync','categories','2026-11-21T12:00:00.000000+00:00','waiting','me');
CREATE INDEX ix_runs_environment ON runs (environment);
CREATE INDEX data_runs_newest ON data_runs (scope, number);
CREATE INDEX data_records_written ON data_records (scope, written_at);
CREATE INDEX data_records_ready ON data_records (scope, ready_at, "key");
CREATE INDEX data_records_due ON data_records (scope, due_at);
CREATE INDEX data_names_of ON data_names (scope, "key");
CREATE INDEX data_waits_of ON data_waits (scope, "key");
CREATE INDEX data_problems_of ON data_problems (scope, external_id);
COMMIT;
