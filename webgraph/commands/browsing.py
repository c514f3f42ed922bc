"""Options of every command that opens a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.commands.loading import UsageError, param, variable
from webgraph.commands.secret_words import HELP, METAVAR, secret_values
from webgraph.network import AddressPolicy
from webgraph.secret_values import secret_names
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from webgraph.flow import Automation


def add_to(parser: argparse.ArgumentParser) -> None:
    """The automation and what its browser may do."""
    parser.add_argument("automation", help="module:Class, or a flow document in a .yaml, .yml or .json file")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a param; for a file, its path"
    )
    parser.add_argument(
        "--secret-param", action="append", default=[], metavar=METAVAR, help=f"a secret param: {HELP}"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="CREDENTIAL.FIELD=VARIABLE",
        help="take a credential's field from an environment variable",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="let the browser open this private or loopback address",
    )
    parser.add_argument(
        "--gemini-key",
        metavar="VARIABLE",
        help="let Gemini look at pictures too, with the key in this environment variable",
    )
    parser.add_argument("--browser", metavar="PATH", help="the browser to use instead of the found one")
    parser.add_argument("--headed", action="store_true", help="show the browser's window")


def policy(given: argparse.Namespace) -> AddressPolicy:
    """Which addresses may be opened."""
    return AddressPolicy(allowed=tuple(given.allow), setting_name="--allow")


def params(given: argparse.Namespace, automation: type[Automation]) -> dict[str, Any]:
    """The params a command line gives; UsageError for a secret one that stands in it."""
    plain = dict(param(item) for item in given.param)
    secret = secret_names(automation.Params.model_json_schema())
    for name in sorted(secret & plain.keys()):
        msg = f"--param {name}: it is a secret, which a command line would show; use --secret-param {name}."
        raise UsageError(msg)
    typed = secret_values(given.secret_param, option="--secret-param")
    for name in sorted(typed.keys() - secret):
        msg = f"--secret-param {name}: the automation has no such secret param."
        raise UsageError(msg)
    return plain | typed


def host(given: argparse.Namespace) -> BrowserHost:
    """The browser, not started."""
    return BrowserHost(locate(given.browser), headless=not given.headed)


def vision(given: argparse.Namespace) -> VisionSettings:
    """Who looks at pictures: text recognition on this machine, and Gemini where there is a key."""
    if given.gemini_key is None:
        return VisionSettings()
    key = variable(given.gemini_key, asked_by="--gemini-key")
    return VisionSettings(providers=("ocr", "gemini"), gemini_api_key=key)
