"""What became of the places a browser wanted to reach: why not, told to whoever asks about a URL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infra_shared.clock import utc_now
from webgraph.browser.gateway.places import place_of_url
from webgraph.errors import AddressRefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from webgraph.browser.gateway.places import Place
    from webgraph.errors import WebGraphError

_MOST_PLACES = 500
"""A page may try every port of every address; what it tried first is enough to know it by."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A place that was refused: when first, why, and how many connections to it were asked for."""

    place: Place
    reason: str
    at: datetime
    times: int = 1


class Verdicts:
    """Of one door. Written on the gateway's thread, read on any: each entry is replaced whole."""

    def __init__(self) -> None:
        self._latest: dict[Place, WebGraphError] = {}
        self._refused: dict[Place, Refusal] = {}

    def reached(self, place: Place) -> None:
        """A connection stands: what was said of the place before is over."""
        self._latest.pop(place, None)

    def failed(self, place: Place, error: WebGraphError) -> None:
        """No connection was made, and why."""
        if place in self._latest or len(self._latest) < _MOST_PLACES:
            self._latest[place] = error
        if not isinstance(error, AddressRefusedError):
            return
        before = self._refused.get(place)
        if before is not None:
            self._refused[place] = replace(before, times=before.times + 1)
        elif len(self._refused) < _MOST_PLACES:
            self._refused[place] = Refusal(place, str(error), utc_now())

    def about(self, url: str) -> WebGraphError | None:
        """Why the place of this URL could not be reached when it was last tried; None when it could, or was not tried."""
        try:
            return self._latest.get(place_of_url(url))
        except ValueError:
            return None

    def refusals(self) -> tuple[Refusal, ...]:
        """Every place that was refused, in the order they were first asked for."""
        return tuple(self._refused.values())
