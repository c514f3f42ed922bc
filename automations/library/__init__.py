"""Automations that come with the system, as examples to learn from and as the ones the demo runs.

One file each, complete in itself: a version is the hash of its file, so what two of them share is written in both. They
are written against `webgraph.flow` and `webgraph.page` and know nothing of the database.
"""
