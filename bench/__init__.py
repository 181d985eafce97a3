"""One question per file: how much, how fast, how many.

fanout      what a stream and a delivery cost, beside a bare Python and a bare C broadcaster
evaluate    what an evaluation of strategies costs, beside the official SDKs' own evaluators
actors      what an actor costs
poll        what a poll costs, beside nginx with a static file and uvicorn with a bare function
herd        what happens when everybody comes back at once
start       how long from an empty directory to the first flag
meanwhile   how long a poll waits while an event goes out to all streams
dacha       what the cache needs for 10,000 environments
split       what it costs to run the parts apart
bearers     what TLS and HTTP/2 cost a stream
edge_host   the real Edge alone in a process, its Dacha with it, for fanout
edge_truth  what stands for MR behind it
poll_host   the real Edge and the real Dacha alone in a process, for poll
herd_host   the product's workers behind one port, and an environment of any weight, for herd
secure_host the same with TLS on its port, for bearers
cli         `fh bench`: a command for each question
result      what every bench finds, in one form; text, page: the same for people
command     the options that all share, and how a run ends
report      a run of fanout as an aligned table and as JSON
load/       the client that opens the streams and stamps what arrives
deployment/ whole deployments of processes, filled, asked and changed
cache/      what dacha measures
evaluators/ fh's evaluator and the SDKs' as processes, and the rounds that compare them
baselines/  the bare broadcasters, and how a server under test is started and triggered
"""
