"""What may run, and when: customers, automations and their versions, schedules, credentials.

Imports `webgraph` and `infra_shared`; knows nothing of runs.
"""
