-- Strategies that an application shares, and the values they are attached to ----------------------

CREATE TABLE application_strategy (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    application_id uuid NOT NULL REFERENCES application,
    name           text NOT NULL,                -- an archived one is renamed
    code           text NOT NULL,                -- what SDKs know it by
    strategy       jsonb NOT NULL,               -- all of it but the name
    who_changed    uuid NOT NULL REFERENCES person,
    when_created   timestamptz NOT NULL DEFAULT now(),
    when_updated   timestamptz NOT NULL DEFAULT now(),
    when_archived  timestamptz,
    version        bigint NOT NULL DEFAULT 1,
    UNIQUE (application_id, code)
);
CREATE UNIQUE INDEX application_strategy_name ON application_strategy (application_id, lower(name))
    WHERE when_archived IS NULL;

CREATE TABLE attached_strategy (
    feature_value_id uuid NOT NULL REFERENCES feature_value,
    strategy_id      uuid NOT NULL REFERENCES application_strategy,
    position         int NOT NULL,
    value            text,                       -- as feature_value.default_value
    strategy_version bigint NOT NULL,            -- the strategy's when this value's version was made
    PRIMARY KEY (feature_value_id, strategy_id)
);
CREATE INDEX attached_strategy_strategy ON attached_strategy (strategy_id);

-- As a list in order: strategyId, version (the strategy's), value.
ALTER TABLE feature_value_version ADD COLUMN attached_strategies jsonb NOT NULL DEFAULT '[]';

-- Feature groups: one strategy and a value for each member, in one environment --------------------

CREATE TABLE feature_group (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    environment_id uuid NOT NULL REFERENCES environment,
    name           text NOT NULL,
    description    text NOT NULL DEFAULT '',
    position       bigint NOT NULL,
    strategies     jsonb,                        -- the first counts; none: the group only groups
    who_created    uuid NOT NULL REFERENCES person,
    who_updated    uuid NOT NULL REFERENCES person,
    when_created   timestamptz NOT NULL DEFAULT now(),
    when_updated   timestamptz NOT NULL DEFAULT now(),
    when_archived  timestamptz,
    version        bigint NOT NULL DEFAULT 1
);
CREATE INDEX feature_group_environment ON feature_group (environment_id);

CREATE TABLE feature_group_member (
    feature_group_id uuid NOT NULL REFERENCES feature_group,
    feature_id       uuid NOT NULL REFERENCES feature,
    value            text,                       -- as feature_value.default_value
    PRIMARY KEY (feature_group_id, feature_id)
);
CREATE INDEX feature_group_member_feature ON feature_group_member (feature_id);

-- Feature filters: labels that decide which features an account receives --------------------------

CREATE TABLE feature_filter (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    portfolio_id uuid NOT NULL REFERENCES portfolio,
    name         text NOT NULL,
    description  text,
    who_created  uuid REFERENCES person,
    when_created timestamptz NOT NULL DEFAULT now(),
    when_updated timestamptz NOT NULL DEFAULT now(),
    version      bigint NOT NULL DEFAULT 1,
    UNIQUE (portfolio_id, name)
);

CREATE TABLE feature_filter_feature (
    feature_id uuid NOT NULL REFERENCES feature,
    filter_id  uuid NOT NULL REFERENCES feature_filter,
    PRIMARY KEY (feature_id, filter_id)
);
CREATE INDEX feature_filter_feature_filter ON feature_filter_feature (filter_id);

CREATE TABLE feature_filter_account (
    service_account_id uuid NOT NULL REFERENCES service_account,
    filter_id          uuid NOT NULL REFERENCES feature_filter,
    PRIMARY KEY (service_account_id, filter_id)
);
CREATE INDEX feature_filter_account_filter ON feature_filter_account (filter_id);
