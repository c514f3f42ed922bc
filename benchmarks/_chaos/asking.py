"""A caller of the API who does not give up: each request is sent until it is accepted, always under its own key."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from infra_shared.clock import monotonic, sleep
from infra_shared.retries import PERMANENT, RETRYABLE, Failure, RetryPolicy, call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._chaos.plan import PlannedRequest

ANSWER_SECONDS = 15.0
STUBBORN = RetryPolicy(
    first_pause=timedelta(seconds=0.5),
    longest_pause=timedelta(seconds=0.5),
    jitter=0,
    within=timedelta(minutes=2),
)
"""After so long without being accepted a request counts as failed for good: the storm is long over by then."""


class RefusedError(Exception):
    """The API refused something it should take; the message holds its answer."""


class Api:
    """The API of one system, asked again and again while it says that it cannot answer now."""

    def __init__(self, web_url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{web_url}/api/v1",
            headers={"X-API-Key": key},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )

    def automations(self) -> list[str]:
        """The keys of the automations that can be asked for; empty while the API does not answer."""
        try:
            items = self._client.get("/automations", params={"limit": 200}).raise_for_status().json()["items"]
        except httpx.HTTPError:
            return []
        return [str(item["key"]) for item in items if item["runnable"]]

    def post(self, path: str, body: dict[str, Any], *, key: str = "") -> dict[str, Any]:
        """Send a body until it is accepted, and return the answer.

        Raises:
            RefusedError: the answer says that it will never be accepted, or no other came for too long.
        """
        headers = {"Idempotency-Key": key} if key else {}

        def ask() -> dict[str, Any]:
            answer = self._client.post(path, json=body, headers=headers)
            answer.raise_for_status()
            return dict(answer.json()) if answer.content else {}

        try:
            return call(ask, policy=STUBBORN, judge=_judged)
        except httpx.HTTPStatusError as error:
            said = f"{error.response.status_code} {error.response.text[:500]}"
        except httpx.TransportError as error:
            said = repr(error)
        raise RefusedError(f"POST {path}: {said}")


def _judged(error: BaseException) -> Failure:
    if isinstance(error, httpx.HTTPStatusError):
        return RETRYABLE if error.response.is_server_error else PERMANENT
    return RETRYABLE if isinstance(error, httpx.TransportError) else PERMANENT


class Asker(threading.Thread):
    """Sends the planned requests in their time, beside the storm.

    Attributes:
        accepted: the run's id, in digits alone, for each key that was accepted.
        refused: what the API said to the others.
    """

    def __init__(self, api: Api, requests: Sequence[PlannedRequest], *, base_url: str) -> None:
        super().__init__(name="asker", daemon=True)
        self._api = api
        self._requests = requests
        self._base_url = base_url
        self.accepted: dict[str, str] = {}
        self.refused: list[str] = []

    def run(self) -> None:
        """Send them all; one that is late does not wait for its time."""
        began = monotonic()
        for request in self._requests:
            sleep(began + request.at_seconds - monotonic())
            params = {**request.body["params"], "base_url": self._base_url}
            try:
                answer = self._api.post("/runs", {**request.body, "params": params}, key=request.key)
            except RefusedError as error:
                self.refused.append(str(error))
            else:
                self.accepted[request.key] = str(answer["id"]).replace("-", "")
