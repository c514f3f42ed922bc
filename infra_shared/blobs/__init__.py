"""Content-addressed bytes: one protocol, a file implementation without Django, one over Django's storages.

A blob is named by the SHA-256 of its plain bytes. Texts are stored zstd-compressed, everything else as it is. Both
implementations use the same names, so a folder written by one is read by the other.
"""
