-- Announced changes, kept for a while: a cache that missed some asks for them by number.

-- Numbers are given under the lock that orders the outbox, so they follow the commits without gaps.
CREATE TABLE event_position (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    last       bigint NOT NULL,                  -- the newest number given
    trimmed_to bigint NOT NULL                   -- up to here the log has been thrown away
);
INSERT INTO event_position (last, trimmed_to)
SELECT newest, newest FROM (
    SELECT greatest(
        (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_id_seq),
        (SELECT coalesce(max(id), 0) FROM outbox),
        (SELECT coalesce(max(id), 0) FROM outbox_dead)
    ) AS newest
) found;
-- What is not announced yet can still be asked for.
UPDATE event_position
SET trimmed_to = (SELECT min(id) - 1 FROM outbox)
WHERE EXISTS (SELECT FROM outbox);

ALTER TABLE outbox ALTER COLUMN id DROP IDENTITY;

CREATE TABLE event_log (
    id           bigint PRIMARY KEY,
    kind         text NOT NULL,
    body         bytea NOT NULL,
    when_created timestamptz NOT NULL
);
