"""Signatures as pure functions: of requests between edge and origin, and of senders' own schemes."""
