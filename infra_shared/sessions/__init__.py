"""Signed-in sessions: browser state kept for each customer, site and account, and one login at a time for each.

One set of rules (`rules`), kept by two implementations that pass the same tests: files without Django (`file_cache`) and
rows (`django_cache`). Whom a key belongs to and what a state holds are opaque here.
"""
