"""The way out of every browser: a forward proxy in this process that connects to nothing but judged addresses.

Each attempt has a door of its own (`door`), a port on 127.0.0.1 that its browser context sends every request to. Behind it
a name is resolved once, every address it has is judged, and the connection goes to one of those addresses: directly, or
on through the automation's own proxy (`ways`). What is said inside TLS passes unread. Without a door a browser reaches
nothing: it is started with a proxy that does not exist (`webgraph.browser.launching`).

h11 reads and writes HTTP, python-socks speaks to SOCKS proxies; nothing here parses either. Knows no Playwright.
"""

from __future__ import annotations
