"""PostgreSQL: the port the services use, the pool behind it, the embedded server, migrations.

In reading order: `port` (what a service sees), `errors`, `dsn` (where the server is), `pool` (the
adapter, with `unit`, `connect`, `translate` and `listen`), `migrate`, and `embedded` (a server of
our own, with `binaries`, `launch`, `cluster` and `server_process`).
"""
