"""What every HTTP face shares, and nothing of what they talk about.

In reading order: `routing` (a route is a value), `table` (which route a request means), `decoding`
(bytes to typed values), `problem` (what a refusal looks like), `openapi` and `openapi_schemas`
(what is served, told from the routes), `idempotency` (a write that is sent again), `cors`,
`metrics`, `health`, `resumed` (a connection that somebody else began to read), `lingering` (how one
is closed), `key_pair` and `certificate` (what TLS is spoken with, and how that is renewed),
`secure_stream`, `asgi` (what applications are guarded by), `inbox`, `speakers`, `conversation` and
`conversations` (HTTP on one connection, and on all of a face), `web_face` and `secure_face` (who
gets which connection), `secure_metrics`, and `quart_app`, the only module here that knows the web
framework.
"""
