"""One question per file: how much, how fast, how many.

fanout      what a stream and a delivery cost, beside a bare Python and a bare C broadcaster
actors      what an actor costs
start       how long from an empty directory to the first flag
edge_host   the real Edge alone in a process, for fanout
report      a run as an aligned table and as JSON
load/       the client that opens the streams and stamps what arrives
baselines/  the bare broadcasters, and how a server under test is started and triggered
"""
