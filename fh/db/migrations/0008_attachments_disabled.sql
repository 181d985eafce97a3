-- A strategy may stay attached to a value and be off there: it is shown, and not published.
ALTER TABLE attached_strategy ADD COLUMN disabled boolean NOT NULL DEFAULT false;
