"""One question per file: how much, how fast, how many. `fh bench` is their command line.

fanout      what a delivery costs and when it arrives, beside others
connections what a stream costs to open and to hold, beside others
poll        what a poll costs, beside nginx with a static file and uvicorn with a bare function
plan        how many machines so many connections need; capacity is the arithmetic
evaluate    what an evaluation of strategies costs, beside the official SDKs' own evaluators
propagation how long from an admin's change to an SDK
churn       whether anything is lost while clients come and go
convergence whether every stream holds what MR holds
soak        whether anything grows over half an hour
million     whether a million streams fit on this machine
actors      what an actor costs
herd        what happens when everybody comes back at once
start       how long from an empty directory to the first flag
meanwhile   how long a poll waits while an event goes out to all streams
dacha       what the cache needs for 10,000 environments
split       what it costs to run the parts apart
bearers     what TLS and HTTP/2 cost a stream
sockets     what a WebSocket costs beside a stream
compare     what changed between two results
report      a page of one or more results

fanout_result, connections_result: what contestants did as columns, ratios and targets
cli         a command for each question
command     the options that all share, and how a run ends
progress    how far a run is; namespace: a network of its own for a run
contest     everybody started, and their streams opened
result      what every bench finds, in one form; text, page: the same for people
picture     what was measured, drawn; palette: who has which colour

edge_host   the real Edge and the real Dacha alone in a process; edge_truth: what MR would say
secure_host the same with TLS on its port, for bearers
poll_host   the real Edge and the real Dacha with one environment of many features, for poll
herd_host   the product's workers behind one port, and an environment of any weight, for herd
live/       whole servers under live streams, as the five benches from propagation on share it
client/     a small client for tests, under asyncio and trio
load/       the client that opens the streams and stamps what arrives
peers/      who else takes part, by name: nchan, Node, quart-trio, and the baselines
baselines/  the bare broadcasters, and how a server under test is started and triggered
deployment/ whole deployments of processes, filled, asked and changed
cache/      what dacha measures
evaluators/ fh's evaluator and the SDKs' as processes, and the rounds that compare them
"""
