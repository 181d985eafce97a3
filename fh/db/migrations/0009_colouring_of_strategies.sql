-- A strategy's colour is an int32 everywhere; some took any number. Those that are none are dropped.

CREATE FUNCTION without_wild_colours(strategies jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(
        CASE WHEN one @? '$.colouring ? (@ < -2147483648 || @ > 2147483647)'
             THEN one - 'colouring' ELSE one END
        ORDER BY position
    )
    FROM jsonb_array_elements(strategies) WITH ORDINALITY AS t (one, position)
$$;

UPDATE feature_value SET rollout_strategies = without_wild_colours(rollout_strategies)
WHERE rollout_strategies @? '$[*].colouring ? (@ < -2147483648 || @ > 2147483647)';

UPDATE feature_value_version
SET rollout_strategies = without_wild_colours(rollout_strategies)
WHERE rollout_strategies @? '$[*].colouring ? (@ < -2147483648 || @ > 2147483647)';

UPDATE feature_group SET strategies = without_wild_colours(strategies)
WHERE strategies @? '$[*].colouring ? (@ < -2147483648 || @ > 2147483647)';

DROP FUNCTION without_wild_colours;
