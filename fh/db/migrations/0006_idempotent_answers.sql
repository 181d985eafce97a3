-- What was answered to writes that carried an Idempotency-Key, for a day.

-- A row is written in the transaction that has the effect, and gets the answer right after it.
CREATE TABLE idempotent_answer (
    digest       bytea PRIMARY KEY,              -- of the caller and the key
    request_hash bytea NOT NULL,                 -- of method, path, query and body
    sealed       bytea,                          -- encrypted with what only the caller has
    when_created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotent_answer_age ON idempotent_answer (when_created);
