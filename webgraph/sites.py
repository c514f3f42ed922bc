"""Sites by their origin: what automations declare, and what limits, pace and circuit breakers are counted for."""

from __future__ import annotations

from urllib.parse import urlsplit

_USUAL_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """Scheme, host and port of a web address, as every part of the system writes them: `https://shop.example`.

    Lower case, without a usual port, sign-in, path or query. ValueError says what is wrong with anything else.
    """
    parts = urlsplit(address.strip())
    if parts.scheme.lower() not in _USUAL_PORTS or not parts.hostname:
        msg = f"{address!r} is no site; write its address, such as https://shop.example."
        raise ValueError(msg)
    scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL_PORTS[scheme] else "")
