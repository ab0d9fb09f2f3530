-- From version 3 to 4. Whether a problem keeps all of a record from going through.
ALTER TABLE data_records ADD COLUMN held_back boolean NOT NULL DEFAULT false;
