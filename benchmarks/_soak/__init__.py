"""What `benchmarks.soak` is made of: a plan, the system that carries it out, looks at its processes, and the count.

Nothing here asks the product what is left: the kernel says which processes, descriptors and files there are, PostgreSQL
which connections, and the audit of the store compares its folder with plain SQL.
"""
