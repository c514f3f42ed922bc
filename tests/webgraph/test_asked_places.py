"""An address out of a run's params is known as such, however whoever asked for the run wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, HttpUrl, SecretStr

from webgraph.asked_places import AskedPlaces

EVIL = "https://www.evil.example"


class Wanted(BaseModel):
    """Params with a default that is the automation's own address."""

    shop: HttpUrl = HttpUrl("https://shop.example")
    more: Any = None


def asked(**params: Any) -> AskedPlaces:
    return AskedPlaces(Wanted, params)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.evil.example/login",
        "evil.example",
        "EVIL.Example.",
        "@evil.example",
        "//evil.example:443",
        ".www.evil.example",
        "evil%2Eexample",
        "evil。example",
        "evil\N{FULLWIDTH FULL STOP}example",
        "ev\til.exam\nple",
        "ev\N{SOFT HYPHEN}il.example",
    ],
)
def test_a_host_that_a_param_spells_is_known_however_it_is_written(text: str) -> None:
    assert asked(shop=text).hold(EVIL)


@pytest.mark.parametrize("more", [["x", {"at": EVIL}], {EVIL: 1}, SecretStr(EVIL), (EVIL,)])
def test_a_host_is_known_wherever_among_the_params_it_stands(more: Any) -> None:
    assert asked(more=more).hold(EVIL)


@pytest.mark.parametrize("text", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"])
def test_an_internationalised_name_is_known_in_both_its_forms(text: str) -> None:
    assert asked(shop=text).hold("https://xn--bcher-kva.example")
    assert asked(shop="xn--bcher-kva.example").hold("https://xn--bcher-kva.example")


def test_an_ip_address_is_known_as_a_whole() -> None:
    assert asked(shop="http://10.0.0.7:81/").hold("http://10.0.0.7")
    assert asked(shop="http://[::1]/").hold("http://[::1]:8001")
    assert not asked(shop="10.0.0.8").hold("http://10.0.0.7")


def test_what_stands_before_the_automations_own_host_says_not_where_it_goes() -> None:
    assert not asked(shop="acme").hold("https://acme.shop.example")
    assert asked(shop="acme.evil.example/").hold("https://acme.evil.example")


def test_a_default_is_the_automations_own_word() -> None:
    assert not asked(shop="https://shop.example/").hold("https://shop.example")
    assert asked(shop="https://shop.example/login").hold("https://shop.example")


def test_the_sites_an_automation_writes_stay_and_those_out_of_params_are_left_out() -> None:
    origins = ["https://bank.example", "https://evil.example", "https://shop.example"]
    places = asked(more=["https://evil.example", "https://shop.example/item/5"])

    assert places.left_out(origins, own=["https://Shop.example/"]) == [
        "https://bank.example",
        "https://shop.example",
    ]
