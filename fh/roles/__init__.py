"""The composition root, the only place that knows every part.

settings      the settings of each role, under FeatureHub's property names
party_server  MR, Dacha and Edge in one process
process       running a role: signals, exit status, what the operator is told
"""
