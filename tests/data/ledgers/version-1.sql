BEGIN TRANSACTION;
CREATE TABLE apply_lock (
	id INTEGER NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	holder TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	process_started VARCHAR(32) NOT NULL, 
	taken_at VARCHAR(32) NOT NULL, 
	heartbeat_at VARCHAR(32) NOT NULL, 
	expires_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
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
INSERT INTO "fingerprints" VALUES('https://api.example/v1','DeliveryConfig','search','target.key',X'7EEBD92D539A29ABF162E3F5678E9EF2FEADCB06ADABD64CAC490A0111FB79CC',0,'2026-11-21T12:00:00.000000+00:00');
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
INSERT INTO "journal" VALUES('b1d5ef01a3f4c877','DeliveryConfig/search',0,'digest','applied','done','2026-11-21T12:00:00.000000+00:00');
INSERT INTO "journal" VALUES('86b58a86ebafa950','DeliveryConfig/search',0,'digest','sent',NULL,'2026-11-21T12:00:00.000000+00:00');
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
INSERT INTO "ledger_meta" VALUES(1,1,X'8558570ACA629A4E9C8667E2CB8B6D91');
CREATE TABLE overrides (
	run VARCHAR(32) NOT NULL, 
	rule TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (run, rule), 
	FOREIGN KEY(run) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "overrides" VALUES('b1d5ef01a3f4c877','maxDeletes','spring clean');
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	environment TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	finished_at VARCHAR(32), 
	"plan" JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('b1d5ef01a3f4c877','test','me','2026-11-21T12:00:00.000000+00:00','2026-11-21T12:00:00.000000+00:00','{"changes": []}');
INSERT INTO "runs" VALUES('86b58a86ebafa950','test','me','2026-11-21T12:00:00.000000+00:00',NULL,'{"changes": []}');
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
COMMIT;
