-- What people and superusers set, and what integrations answered --------------------------------

-- Which environments of an application somebody looks at; despite its name, those that they see.
CREATE TABLE hidden_environments (
    person_id       uuid NOT NULL REFERENCES person,
    application_id  uuid NOT NULL REFERENCES application,
    environment_ids uuid[] NOT NULL,
    none_selected   boolean NOT NULL,
    when_updated    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, application_id)
);

-- What became of one delivery. Only the newest of an environment are kept.
CREATE TABLE webhook_result (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    environment_id   uuid NOT NULL REFERENCES environment,
    when_sent        timestamptz NOT NULL,
    method           text NOT NULL,
    status           int NOT NULL,               -- 0: nobody answered
    webhook_type     text NOT NULL,
    delivered_type   text NOT NULL,
    source_system    text NOT NULL,
    content          text NOT NULL,
    url              text,
    outbound_headers jsonb,
    incoming_headers jsonb,
    result           text NOT NULL
);
CREATE INDEX webhook_result_environment ON webhook_result (environment_id, when_sent DESC, id);

-- Asked for, and not delivered yet; asking twice is asking once.
CREATE TABLE webhook_test (
    environment_id uuid NOT NULL REFERENCES environment,
    message_type   text NOT NULL,
    who_asked      uuid NOT NULL REFERENCES person,
    when_asked     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment_id, message_type)
);

-- Messages whose way to somebody else is watched.
CREATE TABLE tracked_event (
    id           uuid PRIMARY KEY,
    message_type text NOT NULL,
    link_type    text NOT NULL,
    link_id      uuid NOT NULL,
    status       int,
    data         jsonb NOT NULL,
    responses    jsonb NOT NULL DEFAULT '[]',    -- the oldest first
    when_created timestamptz NOT NULL DEFAULT now(),
    when_updated timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tracked_event_link ON tracked_event (link_type, link_id, when_created DESC, id);

CREATE TABLE system_config (
    key          text PRIMARY KEY,
    value        jsonb,
    version      bigint NOT NULL DEFAULT 1,
    who_updated  uuid REFERENCES person,      -- none: a test that redirects Slack
    when_created timestamptz NOT NULL DEFAULT now(),
    when_updated timestamptz NOT NULL DEFAULT now()
);
