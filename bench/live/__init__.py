"""Whole servers under live streams: what propagation, churn, soak, convergence and million share.

options  how a command is told which server to load, and how much
server   that server: one that runs already, or one started for the run
admin    the admin API: makes environments, changes features, tells what holds
scene    a server, its environments and its streams, put together
writing  changes at a rate, for as long as a run lasts
verdict  what every stream holds, compared with what MR holds
sampling what the server's processes use, second by second
slope    a straight line through samples, and how sure it is
findings what these benches find alike
limits   what of the system is too small for so many streams
memory   what is left of the machine, and a guard that ends a run in time
"""
