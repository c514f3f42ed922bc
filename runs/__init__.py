"""What was asked and what happened: runs, attempts, steps, artifacts, occurrences, and the nodes that work.

Imports `automations`, `webgraph` and `infra_shared`; only `intake` and `config` may import it.
"""
