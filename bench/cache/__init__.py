"""What `bench.dacha` measures, a file for each kind of question.

meter      what Dacha and MR used meanwhile
questions  what Edges ask a Dacha
misses     keys that nobody has asked for yet, and keys that don't exist
loading    everything into memory: asked for, announced, or from the file
hits       what is in memory: over HTTP and within the process; updates
reloading  everything checked again while serving goes on
"""
