"""Order a run over the API, wait for its end, and print its result: what a program of yours does, in one page.

    python docs/examples/order_a_run.py http://127.0.0.1:8000 page-snapshot '{"url": "https://example.com/"}'

The key comes from the variable API_KEY; it needs the scopes runs:read and runs:write. Nothing but Python is needed.
"""

# ruff: noqa: INP001, TID251 - a program by itself, which takes nothing from this project
from __future__ import annotations

import json
import os
import sys
import time
import uuid
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ENDED = {"succeeded", "failed", "timed_out", "cancelled", "expired"}
COME_BACK = {429, 503}
POLL_SECONDS = 2


def call(method: str, url: str, *, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The answer as JSON. Asks again when the server says so; exits with its words when it refuses."""
    content = None if body is None else json.dumps(body).encode()
    sent = {"X-API-Key": os.environ["API_KEY"], "Content-Type": "application/json", **(headers or {})}
    while True:
        try:
            with urlopen(Request(url, content, sent, method=method), timeout=60) as answer:  # noqa: S310 - the caller's own address
                return json.load(answer)
        except HTTPError as error:
            if error.code not in COME_BACK:
                sys.exit(f"{error.code}: {error.read().decode()}")
            time.sleep(int(error.headers["Retry-After"]))


def main(server: str, automation: str, params: str) -> None:
    """Order it under a key of its own, so that asking again after a broken connection orders nothing twice."""
    order = {"automation": automation, "params": json.loads(params)}
    key = {"Idempotency-Key": str(uuid.uuid4())}  # yours: the order's number in your system
    run = call("POST", f"{server}/api/v1/runs", body=order, headers=key)
    while run["state"] not in ENDED | {"waiting_input"}:
        time.sleep(POLL_SECONDS)
        run = call("GET", f"{server}/api/v1/runs/{run['id']}")
    if run["state"] != "succeeded":
        sys.exit(f"{run['state']}: {run['failure'] or run['state_reason']}")
    print(json.dumps(call("GET", f"{server}/api/v1/runs/{run['id']}/result"), indent=2))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
