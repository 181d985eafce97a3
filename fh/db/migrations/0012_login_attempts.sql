-- How many passwords were wrong lately, for an account or from an address: all MRs count together.

-- Each login writes here and nobody misses it after a crash, so it is not logged.
CREATE UNLOGGED TABLE login_attempt (
    counted bytea PRIMARY KEY,                   -- hash of the account or of the address
    full_at timestamptz NOT NULL                 -- when nothing is counted any more
);
