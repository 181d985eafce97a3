"""Dacha: what MR knows of environments and service accounts, in memory, loaded when asked for.

Reading order: `dacha` (the whole, and its supervision tree), `lookup` (what Edge asks), `listener`
(what the bus tells). Environments: `snapshot` (pure), `environment` (the actor), `environments`
(all of them). Accounts: `account_tables` (pure), `accounts` (the actor, and the loads). Between
them: `view` (what a key sees), `misses`, `recent`, `flights`, `bounded_source`, `refresher`.
Without a cache: `direct`, and `replicated` where a replica is read.
What outlives a restart: `last_known` (the service), `holdings` (all that is known, as records),
`sealed_holdings` (those in a file), `replaced_file`.
"""
