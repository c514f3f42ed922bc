"""Every setting of the environment: one row each, from which `.env.example` and docs/settings.md are written too."""

from __future__ import annotations

from config.env_rows import browsers, outside, server, storage, work

# In the order people read them in .env.example.
SETTINGS = (*server.ROWS, *browsers.ROWS, *work.ROWS, *storage.ROWS, *outside.ROWS)
