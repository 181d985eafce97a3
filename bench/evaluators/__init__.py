"""Who evaluates strategies: fh, and the official SDKs by their own code.

cases        what is evaluated: strategies as Edge sends them, and clients' contexts
examples     the examples that upstream publishes, as one more case
installed    the official SDKs, as the end-to-end tests keep them
contestant   an evaluator's process, asked by JSON lines
obey         the contestant's side of it in Python, and the timed loop
of_fh        fh's evaluator
of_sdk       the Python SDK's, run by an interpreter of its own
of_sdk.js    the Node SDK's
rounds       outcomes compared, then rounds that take turns
comparison   a run as tables and as JSON
"""
