-- A strategy's value that is null is no value. Only the outer members are meant: among an
-- attribute's values, a null keeps its place.

UPDATE feature_value SET rollout_strategies = jsonb_strip_nulls(rollout_strategies)
WHERE rollout_strategies @? '$[*] ? (@.value == null)';

UPDATE feature_value_version SET rollout_strategies = jsonb_strip_nulls(rollout_strategies)
WHERE rollout_strategies @? '$[*] ? (@.value == null)';
