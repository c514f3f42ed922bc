"""The commands of `python -m webgraph`: each module adds its own to the parser. Nothing but `__main__` imports them."""
