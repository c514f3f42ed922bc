"""The system on one machine: set it up, run it, prove it (`make setup`, `make run`, `make smoke`).

What runs before the virtual environment exists (`setup`, `virtualenv`) needs the standard library alone. Nothing here
imports Django except `accounts`, which runs in a process of its own.
"""
