"""Edge, what SDKs connect to.

In reading order:

settings      what an Edge can be told
poller        which sockets are ready: an epoll inside trio's, or a task per socket elsewhere
connection    one client's socket and what is known of it; no task, a small object
histogram     how often something took how long
engine_statistics  what an engine counts
wheel         deadlines in one-second buckets
writer        bytes out, and what becomes of those that the kernel does not take
lifetimes     when something is due for a connection
intake        cuts what clients send into requests: heads, bodies, TLS
sdks          which SDK opened a stream, as a small number
relay         a stream whose bytes somebody else writes: TLS, HTTP/2, WebSocket, HTTP/1.0
connections   all of them, and how many
admission     who is sent its first features now, and who waits for a turn
gate          who may open a stream, and what those are told who may not
farewells     goodbye to many streams, spread
engine        owns every connection: reads requests, writes answers, times out
fanout        audiences, and one event written to every stream of one
request       what a request head asks for, decided without I/O
opening       what follows from the head of a request for a stream
heads         heads that come again byte for byte, and what was made of each
repeated      polls that come again, answered without reading them
plain         which requests are served without TLS
response      answers as bytes: heads, CORS, the first frames of a stream
evaluation    what an SDK is sent of a feature, its context considered
encoded       what a key may see, encoded once and shared
poll          the answer to `GET /features`
write         the answer to `PUT /features`: what an SDK may change
recent_locks  what test writes made of locks, until that comes back over the bus
flags         features as flags of OpenFeature, each value with its reason
ofrep         the answers to OpenFeature's remote evaluation protocol
pages         health, metrics and the like, where no web application stands behind Edge
orders        what operators want for a while: drain, and keys that pause
bodies        requests whose answer depends on their body
handlers      whatever has one answer, whichever way the request came
few           a mapping that mostly has one entry
known         what the streams of an environment were sent
view          a key's view, brought up to date
messages      what a subscription is told
ports         what a subscription needs of its surroundings
changes       what an announcement is to the streams that may see it
key_streams   the streams of one key
dismissal     streams that operators have told goodbye
census        who has streams, and who is behind
subscription  the actor of one environment with streams
listener      from the bus to the subscriptions
subscriptions one subscription for each environment with streams
websocket     a stream over a WebSocket
unchunked     a stream over HTTP/1.0
life          one life of Edge: requests in, the right part to each
edge          Edge as the rest of the process holds on to it
link          what a parent and its worker processes say to each other
link_queue    what waits for a reader who may be slow
link_parent   the parent's end
link_worker   the worker's end: the ports of an Edge and its Dacha
hand_over     connections that a worker can't serve, to its parent
admin         what operators ask and do
asgi          Edge as an application of whoever speaks TLS or HTTP/2
lag           how late the event loop is
garbage       when Python looks for garbage
door          the listening socket
metrics       Edge's figures for Prometheus
"""
