"""Use cases: one transaction each, except where a password must be hashed in between."""
