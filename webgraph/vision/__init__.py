"""Sight: what a picture of a page shows, told by providers in short-lived processes of their own.

The parent's side (`eyes`, `process`, `choosing`) knows nothing of any provider's library; `child` and `engines` run in
the child alone. Nothing here may import the supervisor or the workers.
"""
