"""The load client: raw sockets and one epoll in a process of its own, and the way to drive it.

__main__     the client process: `python -m bench.load --help`
opening      whether what a stream began with makes it an open one
streams      opens the streams and stamps what arrives
outcomes     what a context comes to, where the server evaluates
marker       the number by which an event is recognised in a stream of bytes
polls        many kept connections that poll, each again as soon as it is answered
poll_clients the processes that poll, and the driver's side of them
poll_trial   one polled server's requests, rounds and figures
herd         streams that all leave and come back at once
herd_clients the processes of a herd
refused_polls polls with keys that nobody knows
bounds       what the client refuses: foreign targets, too many streams, too long
link         the driver's side: starts client processes, adds up what they report
server       what a trial needs to know of a server, and what it uses
trial        one server's streams, rounds of events and figures
process      what another process has used, and what the machine is
percentiles  one definition of a percentile for all reports

live         streams that live: they hold versions, come back, leave at a rate
live_client  their process: `python -m bench.load.live_client`
live_link    the driver's side of it
live_counts  what they went through
holdings     what they hold
told         what the bytes of a stream tell
histogram    any number of latencies in little memory
"""
