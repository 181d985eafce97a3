"""What every HTTP face shares, and nothing of what they talk about.

In reading order: `routing` (a route is a value), `table` (which route a request means), `decoding`
(bytes to typed values), `problem` (what a refusal looks like), `cors`, `metrics`, `health`, and
`quart_app`, the only module here that knows the web framework.
"""
