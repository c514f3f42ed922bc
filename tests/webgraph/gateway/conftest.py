"""A gateway, listeners, and names that answer as a test says."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from tests.webgraph.ssrf_pages import Listener
from webgraph import network
from webgraph.browser.gateway.gateway import Gateway
from webgraph.errors import NavigationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra_shared.public_addresses import IpAddress


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Makes listeners that end with the test."""
    made: list[Listener] = []

    def make(*where: Any) -> Listener:
        made.append(Listener(*where))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each name answers, one answer after the other; the last one for ever. Others are unknown."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, _port: int) -> tuple[IpAddress, ...]:
        answers = known.get(host)
        if not answers:
            msg = f"The name {host} could not be resolved."
            raise NavigationError(msg)
        return (ipaddress.ip_address(answers.pop(0) if len(answers) > 1 else answers[0]),)

    monkeypatch.setattr(network, "resolve", resolve)
    return known
