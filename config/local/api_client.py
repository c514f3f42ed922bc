"""A small client of this system's API, on the standard library: what proofs and benchmarks ask it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from infra_shared.clock import sleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUEST_SECONDS = 30
POLL_SECONDS = 0.1
T = TypeVar("T")
TERMINAL = frozenset({"succeeded", "failed", "timed_out", "cancelled", "expired"})


class ApiError(Exception):
    """The API answered with an error, or not in time; the message holds its answer."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Speaks to `{web_url}/api/v1` with one key."""

    web_url: str
    key: str

    def get(self, path: str) -> Any:
        """Return the JSON of `/api/v1{path}`.

        Raises:
            ApiError: the answer was not a success.
        """
        return json.loads(self.content(path))

    def post(self, path: str, body: object) -> Any:
        """Send a JSON body to `/api/v1{path}` and return the JSON of the answer.

        Raises:
            ApiError: the answer was not a success.
        """
        return json.loads(self.content(path, json.dumps(body).encode()))

    def content(self, path: str, body: bytes | None = None) -> bytes:
        """Return the bytes `/api/v1{path}` answers with, to a POST where there is a body.

        Raises:
            ApiError: the answer was not a success.
        """
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.web_url}/api/v1{path}", body, headers)  # noqa: S310 - our own address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=REQUEST_SECONDS) as response:
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")[:1000]
            raise ApiError(f"{request.get_method()} {path} → {error.code} {answer}") from error
        except OSError as error:
            raise ApiError(f"{request.get_method()} {path} → {error}") from error

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield every item of a paged list, page after page.

        Raises:
            ApiError: an answer was not a success.
        """
        address = path
        while True:
            page = self.get(address)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            address = f"{path}?cursor={page['next_cursor']}"

    def wait_for_run(self, run_id: str, *, seconds: float) -> dict[str, Any]:
        """Return a run once it has ended.

        Raises:
            ApiError: it did not end in time.
        """

        def ended() -> dict[str, Any] | None:
            run: dict[str, Any] = self.get(f"/runs/{run_id}")
            return run if run["state"] in TERMINAL else None

        return self.wait(ended, seconds=seconds, what=f"the end of run {run_id}")

    def wait(self, question: Callable[[], T | None], *, seconds: float, what: str) -> T:
        """Return the first answer that is something.

        Raises:
            ApiError: there was none in time.
        """
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise ApiError(f"Waited {seconds:.0f} s for {what}.")
            sleep(POLL_SECONDS)
        return answer
