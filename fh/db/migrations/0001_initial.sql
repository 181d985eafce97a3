-- People and who they are to the installation -------------------------------------------------

CREATE TABLE organisation (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    -- One row at most: two set-ups at once must not both succeed.
    only_one      boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one),
    when_created  timestamptz NOT NULL DEFAULT now(),
    when_updated  timestamptz NOT NULL DEFAULT now(),
    when_archived timestamptz,
    version       bigint NOT NULL DEFAULT 1
);

CREATE TABLE person (
    id                       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email                    text NOT NULL UNIQUE CHECK (email = lower(email)),
    name                     text,
    person_type              text NOT NULL DEFAULT 'person'
                             CHECK (person_type IN ('person', 'serviceAccount', 'sdkServiceAccount')),
    password_hash            text,
    password_requires_reset  boolean NOT NULL DEFAULT false,
    registration_token_hash  bytea UNIQUE,
    registration_expires_at  timestamptz,
    when_last_authenticated  timestamptz,
    who_created              uuid REFERENCES person,
    who_changed              uuid REFERENCES person,
    when_created             timestamptz NOT NULL DEFAULT now(),
    when_updated             timestamptz NOT NULL DEFAULT now(),
    when_archived            timestamptz,
    version                  bigint NOT NULL DEFAULT 1
);

-- Only the SHA-256 of a token is kept: who reads the table can't log in.
CREATE TABLE login_session (
    token_hash   bytea PRIMARY KEY,
    person_id    uuid NOT NULL REFERENCES person,
    when_created timestamptz NOT NULL DEFAULT now(),
    last_seen    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_session_person ON login_session (person_id);

-- Portfolios, groups and what groups may do -----------------------------------------------------

CREATE TABLE portfolio (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisation,
    name            text NOT NULL,
    description     text,
    who_created     uuid REFERENCES person,
    when_created    timestamptz NOT NULL DEFAULT now(),
    when_updated    timestamptz NOT NULL DEFAULT now(),
    when_archived   timestamptz,
    version         bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX portfolio_name ON portfolio (organisation_id, lower(name))
    WHERE when_archived IS NULL;

CREATE TABLE person_group (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisation,
    portfolio_id    uuid REFERENCES portfolio,   -- none: the group of the superusers
    name            text NOT NULL,
    admin           boolean NOT NULL DEFAULT false,
    who_created     uuid REFERENCES person,
    when_created    timestamptz NOT NULL DEFAULT now(),
    when_updated    timestamptz NOT NULL DEFAULT now(),
    when_archived   timestamptz,
    version         bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX person_group_name ON person_group (portfolio_id, name);
CREATE UNIQUE INDEX person_group_admin ON person_group (portfolio_id)
    WHERE admin AND when_archived IS NULL;
CREATE UNIQUE INDEX person_group_superusers ON person_group (organisation_id)
    WHERE admin AND portfolio_id IS NULL AND when_archived IS NULL;

CREATE TABLE group_member (
    group_id  uuid NOT NULL REFERENCES person_group,
    person_id uuid NOT NULL REFERENCES person,
    PRIMARY KEY (group_id, person_id)
);
CREATE INDEX group_member_person ON group_member (person_id);

-- Applications, environments, features ----------------------------------------------------------

CREATE TABLE application (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    portfolio_id  uuid NOT NULL REFERENCES portfolio,
    name          text NOT NULL,
    description   text,
    who_created   uuid NOT NULL REFERENCES person,
    when_created  timestamptz NOT NULL DEFAULT now(),
    when_updated  timestamptz NOT NULL DEFAULT now(),
    when_archived timestamptz,
    version       bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX application_name ON application (portfolio_id, lower(name))
    WHERE when_archived IS NULL;

CREATE TABLE environment (
    id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    application_id       uuid NOT NULL REFERENCES application,
    name                 text NOT NULL,
    description          text,
    production           boolean NOT NULL DEFAULT false,
    prior_environment_id uuid REFERENCES environment,
    environment_info     jsonb,
    management_info      jsonb,
    webhook_info         jsonb,
    when_created         timestamptz NOT NULL DEFAULT now(),
    when_updated         timestamptz NOT NULL DEFAULT now(),
    when_archived        timestamptz,
    when_unpublished     timestamptz,
    version              bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX environment_name ON environment (application_id, name)
    WHERE when_archived IS NULL;

CREATE TABLE feature (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    application_id uuid NOT NULL REFERENCES application,
    key            text NOT NULL,
    alias          text,
    name           text NOT NULL,
    link           text,
    description    text,
    meta_data      text,
    secret         boolean NOT NULL DEFAULT false,
    value_type     text NOT NULL CHECK (value_type IN ('BOOLEAN', 'STRING', 'NUMBER', 'JSON')),
    when_created   timestamptz NOT NULL DEFAULT now(),
    when_updated   timestamptz NOT NULL DEFAULT now(),
    when_archived  timestamptz,
    version        bigint NOT NULL DEFAULT 1,
    UNIQUE (application_id, key)                 -- an archived key is renamed
);

CREATE TABLE feature_value (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    environment_id     uuid NOT NULL REFERENCES environment,
    feature_id         uuid NOT NULL REFERENCES feature,
    default_value      text,                     -- the text of the value, whatever its type
    locked             boolean NOT NULL,
    retired            boolean NOT NULL DEFAULT false,
    rollout_strategies jsonb NOT NULL DEFAULT '[]',
    who_updated        uuid NOT NULL REFERENCES person,
    when_created       timestamptz NOT NULL DEFAULT now(),
    when_updated       timestamptz NOT NULL DEFAULT now(),
    version            bigint NOT NULL DEFAULT 1,
    UNIQUE (environment_id, feature_id)
);
CREATE INDEX feature_value_feature ON feature_value (feature_id);

-- Every version of every value, the base of the three-way merge.
CREATE TABLE feature_value_version (
    feature_value_id   uuid NOT NULL REFERENCES feature_value,
    version            bigint NOT NULL,
    version_from       bigint,                   -- the version its author was looking at
    feature_id         uuid NOT NULL REFERENCES feature,
    default_value      text,
    locked             boolean NOT NULL,
    retired            boolean NOT NULL,
    rollout_strategies jsonb NOT NULL,
    who_updated        uuid NOT NULL REFERENCES person,
    when_created       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feature_value_id, version)
);

-- What groups may do. A row is about an application or about an environment.
CREATE TABLE acl (
    group_id       uuid NOT NULL REFERENCES person_group,
    application_id uuid REFERENCES application,
    environment_id uuid REFERENCES environment,
    roles          text[] NOT NULL,
    CHECK (num_nonnulls(application_id, environment_id) = 1),
    UNIQUE NULLS NOT DISTINCT (group_id, application_id, environment_id)
);
CREATE INDEX acl_application ON acl (application_id);
CREATE INDEX acl_environment ON acl (environment_id);

-- Service accounts: what SDKs log in with ---------------------------------------------------------

CREATE TABLE service_account (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    portfolio_id        uuid NOT NULL REFERENCES portfolio,
    name                text NOT NULL,
    description         text NOT NULL DEFAULT '',
    api_key_server_side text NOT NULL UNIQUE,
    api_key_client_side text NOT NULL UNIQUE,
    sdk_person_id       uuid NOT NULL REFERENCES person,
    who_created         uuid NOT NULL REFERENCES person,
    who_changed         uuid REFERENCES person,
    when_created        timestamptz NOT NULL DEFAULT now(),
    when_updated        timestamptz NOT NULL DEFAULT now(),
    when_archived       timestamptz,
    when_unpublished    timestamptz,
    version             bigint NOT NULL DEFAULT 1,
    UNIQUE (portfolio_id, name)                  -- an archived name is renamed
);

CREATE TABLE service_account_permission (
    id                 uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    service_account_id uuid NOT NULL REFERENCES service_account,
    environment_id     uuid NOT NULL REFERENCES environment,
    roles              text[] NOT NULL,
    PRIMARY KEY (service_account_id, environment_id)
);
CREATE INDEX service_account_permission_environment
    ON service_account_permission (environment_id);

-- Changes that are committed and not announced yet ------------------------------------------------

-- Writers take an advisory lock before they insert and hold it until they commit, so the order of
-- the ids is the order of the commits.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('environment', 'service-account', 'feature-values')),
    body         bytea NOT NULL,                 -- the JSON text of the event
    when_created timestamptz NOT NULL DEFAULT now()
);

-- Of several MRs one publishes at a time: the one whose lease has not expired.
CREATE TABLE outbox_lease (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    holder     uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Events that nobody could publish, kept for a human, so that they don't block the rest.
CREATE TABLE outbox_dead (
    id           bigint PRIMARY KEY,
    kind         text NOT NULL,
    body         bytea NOT NULL,
    when_created timestamptz NOT NULL,
    reason       text NOT NULL,
    when_moved   timestamptz NOT NULL DEFAULT now()
);
