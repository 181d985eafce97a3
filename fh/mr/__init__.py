"""The management repository: the admin API, and the only writer of the truth.

`http` decodes and encodes, `services` are the use cases, `access` alone decides who may do what,
`repositories` speak SQL inside one transaction, `outbox` announces what was committed and
`snapshots` answers Dacha.
"""
