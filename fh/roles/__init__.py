"""The composition root, the only place that knows every part.

settings        the settings of each role, under FeatureHub's property names
role            what every role is: parts under one supervisor, and ports
storage         parts: the database
bus             parts: memory or NATS
cache           parts: Dacha, and the file that outlives its restarts
secure          parts: TLS and HTTP/2
edge_parts      parts: Edge with TLS beside it
web             parts: a web application with a port of its own
workers         Edge on more than one core: supervised processes on one port
worker_process  one of them as its parent holds on to it
edge_worker     what runs in it, from top to bottom
tally           counts of processes that come and go
worker_slot     one worker's place, whatever process has it
worker_count    how many workers there are
log_metrics     counts of log lines for Prometheus
worker_metrics  the workers' figures for Prometheus
entrance        where clients come in: a door of this process, or workers
edges           every Edge behind a port, for operators
party_server    MR, Dacha and Edge in one process
mr dacha edge   each of them alone
edge_rest       polls and test writes without a cache, alone or beside MR
kinds           every role by its name
process         running a role: signals, exit status, what the operator is told
"""
