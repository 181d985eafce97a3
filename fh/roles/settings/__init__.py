"""The settings of each role, under FeatureHub's property names.

A role's settings are put together from those of its parts:

listening   the port, TLS, and logs
database    PostgreSQL
bus         NATS
upstream    where the next part is, and what opens it
edge        streams and polls
dacha       the cache
mr          the admin API
roles       the roles, and what must fit together

files            where properties are written down
without_effect   those of FeatureHub that do nothing here, and why
given            what was set and can't be meant

Source: section 8.3 of the data plane's contract and 11.3 of the admin contract.
"""
