"""The composition root, the only place that knows every part.

settings      the settings of each role, under FeatureHub's property names
party_server  MR, Dacha and Edge in one process
workers       Edge on more than one core: supervised processes on one port
worker_process  one of them as its parent holds on to it
edge_worker   what runs in it, from top to bottom
tally         counts of processes that come and go
worker_metrics  the workers' figures for Prometheus
process       running a role: signals, exit status, what the operator is told
"""
