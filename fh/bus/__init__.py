"""The bus: MR's announcements on their way to every Dacha and Edge.

port         publish, subscribe, and what a subscriber receives
errors       what the bus refuses
subscribers  those who hear in this process, each in turn
memory       the bus inside one process
following    every event in spite of a bus that loses some
events       what crosses a broker, as CloudEvents
notices      those of them that no role handles yet
message      a message from a broker, and one to it
intake       messages from a broker, bounded, until somebody takes them
poison       what becomes of messages that can't be read

The bus over NATS:

nats_settings    servers, subjects, limits
nats_client      nats-py's client, with what it gets wrong put right
nats_stream      a stream of JetStream that keeps announcements, and where in it we are
nats_link        one connection to one server; on the asyncio island
nats_connection  one link at a time, for ever
nats_reader      from messages to events
nats_statistics  what happened, in figures
nats             the port itself
"""
