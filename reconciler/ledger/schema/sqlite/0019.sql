-- From version 18 to 19. Which hand began the last write of a record and when, and until when a write that another began
-- may still arrive.
ALTER TABLE data_records ADD COLUMN begun_by TEXT;
ALTER TABLE data_records ADD COLUMN begun_at VARCHAR(32);
ALTER TABLE data_records ADD COLUMN doubt_until VARCHAR(32);
