"""fh: a feature-flag platform that speaks FeatureHub's protocols, an actor runtime on trio.

What lives where, in reading order:

model       FeatureHub's nouns as immutable values
contracts   what crosses a boundary between services, and the ports between them
strategies  rollout strategies, evaluated; pure
wire        codecs, bytes on one side and values on the other
actors      the runtime: actors, mailboxes, supervisors; knows nothing of features
aio         the asyncio island, the only place where asyncio runs; inbox brings values from there
bus         how MR's announcements reach every Dacha and Edge
db          PostgreSQL: the pool, the embedded server, migrations
http        what the HTTP faces share
mr          the Management Repository: admin API, the only writer of the truth
dacha       the cache that answers Edge
edge        what SDKs connect to: streams and polls
roles       the composition root: each deployable from top to bottom
cli         the command line
config      settings, read once and all faults told together
log errors  how the process logs, and the root of every refusal
"""
