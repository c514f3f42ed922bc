"""Asks a proxy whether it takes the sign-in: the browser itself waits for ever when a tunnel is refused with 407."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webgraph.failures import proxy_refused_sign_in

if TYPE_CHECKING:
    from webgraph.browser.profile import ProxyServer

_SECONDS = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class ProxySignIn:
    """One attempt's question to its proxy, asked once, before the first page over https."""

    def __init__(self, proxy: ProxyServer, signed: tuple[str, str] | None) -> None:
        self._proxy = proxy
        self._signed = signed
        self._accepted = proxy.server.startswith("socks5:")  # which is not signed in to

    async def check(self, url: str) -> None:
        """Raise ProxyError when the proxy refuses the sign-in for this page; whatever else it says, the browser tells."""
        if self._accepted or not url.startswith("https:"):
            return
        try:
            async with asyncio.timeout(_SECONDS):
                status = await self._ask(url)
        except (OSError, TimeoutError):
            return
        if status == 407:
            raise proxy_refused_sign_in()
        self._accepted = status == 200

    async def _ask(self, url: str) -> int:
        """The status with which the proxy answers a tunnel to the page's host; 0 where it does not speak HTTP."""
        parts = urlsplit(url)
        wanted = f"{parts.netloc.rpartition('@')[2]}" if parts.port else f"{parts.netloc}:443"
        lines = [f"CONNECT {wanted} HTTP/1.1", f"Host: {wanted}"]
        if self._signed is not None:
            token = base64.b64encode(":".join(self._signed).encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {token}")
        host, port = self._proxy.host_and_port
        secure = ssl.create_default_context() if self._proxy.server.startswith("https:") else None
        reader, writer = await asyncio.open_connection(host, port, ssl=secure)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await writer.drain()
            answer = _STATUS.match(await reader.readline())
        finally:
            writer.close()
        return int(answer[1]) if answer else 0
