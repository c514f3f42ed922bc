"""Webhook intake: sources, events, triggers and matches.

What senders deliver arrives through the edge Worker in signed batches, is stored once, and starts runs by trigger.
This app is installed so that its place in the house is fixed; nothing above it but `config` may import it.
"""
