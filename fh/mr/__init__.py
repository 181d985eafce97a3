"""The management repository: the admin API, and the only writer of the truth.

`http` decodes and encodes, `services` are the use cases, `access` alone decides who may do what,
`repositories` speak SQL inside one transaction, `outbox` announces what was committed, `event_log`
keeps it for those that missed it, `sweeping` throws away what is over, `snapshots` answers Dacha,
and `sdk_updates` makes the changes that SDKs ask Edge for.
"""
