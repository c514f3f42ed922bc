"""Drives a browser through an automation's stages and reports what it saw; knows nothing of who asked or who keeps it.

May be imported by the orchestrator's packages; imports only the Django-free modules of `infra_shared`.
"""
