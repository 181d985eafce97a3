-- Names of live feature groups become unique in their environment, whatever their case. Of those
-- that share one the oldest keeps it, the others get a number; who looked at the old name is told so.

DO $$
DECLARE
    one record;
    mark text;
    free text;
BEGIN
    FOR one IN
        SELECT id, environment_id, name FROM (
            SELECT id, environment_id, name, when_created,
                   row_number() OVER (PARTITION BY environment_id, lower(name)
                                      ORDER BY when_created, id) AS rank
            FROM feature_group WHERE when_archived IS NULL
        ) ranked
        WHERE rank > 1
        ORDER BY environment_id, when_created, id
    LOOP
        FOR number IN 2 .. 2147483647 LOOP
            mark := ' (' || number || ')';
            free := left(one.name, 255 - length(mark)) || mark;
            EXIT WHEN NOT EXISTS (
                SELECT FROM feature_group
                WHERE environment_id = one.environment_id AND lower(name) = lower(free)
                  AND when_archived IS NULL
            );
        END LOOP;
        UPDATE feature_group SET name = free, version = version + 1 WHERE id = one.id;
    END LOOP;
END
$$;

CREATE UNIQUE INDEX feature_group_name ON feature_group (environment_id, lower(name))
    WHERE when_archived IS NULL;
