"""`python -m webgraph.practice_site --port N`: serve the practice site until it is interrupted."""

from __future__ import annotations

import argparse
import os
import socket
import sys

import uvicorn

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.practice_site.app import DEFAULT_SEED, create_app


def main(arguments: list[str] | None = None) -> int:
    """Serve; the exit code is 1 where the address is taken."""
    options = _options(arguments)
    # Bound here, not by uvicorn: the printed port is the real one also for port 0, and a taken one is one clear line.
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {error.strerror}.\n")
        return 1
    # asyncio leaves this out for a socket made like this one; without it each answer on a kept connection waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listener.getsockname()[1]
    sys.stdout.write(f"Practice site: http://{options.host}:{port}/  (sign in as {DEMO_USERNAME})\n")
    sys.stdout.flush()
    app = create_app(seed=options.seed, password=options.password)
    # A browser keeps connections open; a stop must not wait for them longer than this.
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    # The site runs without Django, so it cannot read its one variable in config/env.py.
    password = os.environ.get("PRACTICE_PASSWORD", DEMO_PASSWORD)  # noqa: TID251 - a program of its own, without the server's settings
    parser = argparse.ArgumentParser(prog="python -m webgraph.practice_site", description=__doc__)
    parser.add_argument("--port", type=int, default=8001, help="0 takes any free one (default: 8001)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="makes data and faults")
    parser.add_argument(
        "--password",
        default=password,
        help=f"of {DEMO_USERNAME} (default: $PRACTICE_PASSWORD, else {DEMO_PASSWORD!r})",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
