-- Sessions end by themselves: after a time without use, and after a time in any case.

-- Seconds, or null for never. When a session was last used is noted once a minute, hence the minute.
CREATE FUNCTION session_is_over(session login_session, idle integer, lifetime integer)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(session.last_seen < now() - make_interval(secs => idle) - interval '1 minute', false)
        OR coalesce(session.when_created < now() - make_interval(secs => lifetime), false)
$$;

-- What the people search sorts by.
CREATE INDEX person_shown_name ON person (upper(coalesce(name, '')), id);

-- Whose shadow an SDK person is.
CREATE INDEX service_account_sdk_person ON service_account (sdk_person_id);
