"""A node: the tree of processes that executes attempts on this machine, built on django-q2.

`node` is the outermost process (command `worker`); below it stand one hardened django-q2 cluster for each queue
(`hardened`, command `worker_cluster`), the dispatcher and the watchdog. `process` is what a worker process knows
about itself. Everything that touches a private name of django-q2 is in this package, and
tests/runs/cluster/test_private_names.py lists those names.
"""
