"""A small FeatureHub client for tests and benches: streams and polls, under asyncio and trio alike.

It knows nothing of fh: any server that speaks the protocol will do. Unlike an SDK it hides
nothing: it hands on every event, and it complains of what no client should ever be told.

    async with open_stream("http://localhost:8085", key, context={"userkey": ["irina"]}) as stream:
        async for event in stream:
            print(event.name, [(each.key, each.version) for each in event.features])
            print(stream.held.versions, stream.held.complaints)

    async with open_poll("http://localhost:8085", key) as poll:
        environments = await poll.ask()      # None: nothing has changed since last time

events   what a stream says, and how it is cut out of its bytes
context  the header by which a server learns whom to evaluate for
held     what a client holds, and what of it went back
refused  what is final for a client
answer   an HTTP answer as it arrives
stream   a stream that comes back with `Last-Event-ID`, as SDKs do
poll     polls with `If-None-Match`
"""
