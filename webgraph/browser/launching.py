"""How every browser is started, whoever starts it."""

from __future__ import annotations

import os

LAUNCH_SECONDS = 30.0
# Every context is given a door of the gateway as its proxy. What has none, such as the browser's own background work, is
# given a proxy that does not exist: without a door there is no network, and no name is looked up past one.
_NO_WAY_OUT = (
    "--proxy-server=http://127.0.0.1:1",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
LAUNCH_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch_flags() -> list[str]:
    """The flags for a closed network; the sandbox stays on for everyone but root, for whom Chromium refuses it."""
    root = ("--no-sandbox",) if os.getuid() == 0 else ()
    return [*LAUNCH_FLAGS, *_NO_WAY_OUT, *root]
