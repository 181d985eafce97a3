"""Sans-IO codecs: bytes and text on one side, values on the other. No sockets, no clock.

sse             server-sent events, and the chunks of HTTP/1.1 that carry them
socket_message  the same events as messages of a WebSocket
http_head       one HTTP/1.1 request head, bounded
sdk_json        features as SDKs read them
sdk_key         what an SDK presents in a path or a query
etag            the digest of an environment, the tag of a context, and both in one header
context_header  the client context (`x-featurehub`)
ofrep           the same of OpenFeature's remote evaluation: contexts, flags, notices
cloudevents     events of a bus: attributes in headers, data plain or compressed
x509            when a certificate is valid
sealing_key     from what an operator configures to 256 secret bits
sealed          bytes under seal: encrypted, authenticated, in parts
last_known      what a cache knew, as records
"""
