-- From version 18 to 19. Which hand began the last write of a record and when, and until when a write that another began
-- may still arrive.
ALTER TABLE data_records ADD COLUMN begun_by text COLLATE "C";
ALTER TABLE data_records ADD COLUMN begun_at text COLLATE "C";
ALTER TABLE data_records ADD COLUMN doubt_until text COLLATE "C";
