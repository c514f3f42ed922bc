"""What `benchmarks.chaos` is made of: a seeded plan, the system it strikes, a witness of its writes, and the count.

Nothing here asks the product what happened: the plan recomputes what was due, triggers of the database's own witness
each write, the practice site says what was created, and the process table what is left.
"""
