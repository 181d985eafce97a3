"""Real deployments on this machine: fh's roles as processes, NATS, and a database full of features.

process     one program: started, weighed, ended
shapes      which programs make a party-server, and which the parts apart
contents    thousands of environments in the database, and the keys that open them
admin       the superuser, who changes values
asking      many HTTP questions at a time, and how long each took
"""
