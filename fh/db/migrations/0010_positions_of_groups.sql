-- A position is an int32; where a group stood at its end, the next ones were put behind it. Their
-- environments are numbered anew in the same order; who looked at the old numbers is told so.

UPDATE feature_group g
SET position = ranked.rank * 10, version = g.version + 1
FROM (
    SELECT id, row_number() OVER (PARTITION BY environment_id ORDER BY position, id) AS rank
    FROM feature_group
    WHERE environment_id IN (SELECT environment_id FROM feature_group WHERE position > 2147483647)
) ranked
WHERE g.id = ranked.id;
