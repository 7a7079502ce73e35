"""What runs inside the sandbox: standard library only, started with `python -I -S -B`, never in the user's process.

launcher     forks one confined child for each program; never runs foreign code itself
guest        the child: answers requests over its channel, and runs the code
remote       the conversation between a suite and the program that it tests
lines        messages: a head as JSON, a body of bytes
solo         one guest in a container of another program's making
namespaces   a private root, no network, a process tree of its own
landlock     files by allow-list
seccomp      system calls by allow-list
limits       memory, descriptors, processes, file sizes; another user; no capabilities
codec        plain values as JSON, and texts that equal values share
"""
