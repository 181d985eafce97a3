"""What fh is measured against, and how a server under test is started.

contestant     a server process: its port and its trigger
remote         a server that runs already, by URL and key
broadcaster.py the least that Python needs to send one frame to many streams
broadcaster.c  the same in C
compiled       the C one, compiled when a compiler is there
nginx          one worker: with one static file, or with what else it is told
bare_asgi      the least that an ASGI server has to do, on uvicorn
frame          the bytes that a broadcaster sends, equal to fh's
"""
