"""`python -m webgraph resolve`: on which tier each target of an automation is found on a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.commands import browsing
from webgraph.commands.loading import UsageError, automation_named, say, secrets
from webgraph.errors import WebGraphError
from webgraph.failures import classify
from webgraph.named_targets import first_address, targets_in_code, targets_in_flow
from webgraph.resolving import OpenPage, resolve

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from webgraph.documents.reading import Flow
    from webgraph.flow import Automation
    from webgraph.named_targets import NamedTarget
    from webgraph.resolving import Resolved

_MOST_CANDIDATES = 5


def add_to(commands: Any) -> None:
    """Let the command line know it."""
    parser = commands.add_parser("resolve", help="say on which tier each target is found on a page")
    parser.set_defaults(do=run)
    browsing.add_to(parser)
    page = parser.add_mutually_exclusive_group()
    page.add_argument("--url", help="the page to look at; without one, where the flow begins")
    page.add_argument("--page", type=Path, metavar="FILE", help="a saved page, such as a step's HTML")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")


def run(given: argparse.Namespace) -> int:
    """Exit code 0 when every target was found."""
    automation, flow = automation_named(given.automation)
    params = browsing.params(given, automation)
    targets = targets_in_flow(flow, automation, params) if flow else targets_in_code(automation)
    if not targets:
        raise UsageError(f"{given.automation} names no target.")
    if given.page is not None:
        page = OpenPage(browsing.policy(given), saved_html=_saved(given.page))
        profile = BrowserProfile(viewport=automation.profile.viewport)
    else:
        page = OpenPage(browsing.policy(given), url=given.url or _beginning(flow, automation, params))
        profile = automation.profile
    found = _looked_for(given, targets, page, profile)
    if given.json:
        say(json.dumps([item.as_json() for item in found], ensure_ascii=False, indent=2))
    else:
        for item in found:
            say(_lines(item))
    return 0 if all(item.tier for item in found) else 1


def _beginning(flow: Flow | None, automation: type[Automation], params: dict[str, Any]) -> str:
    address = first_address(flow, automation, params) if flow else None
    if not address:
        raise UsageError("Where it begins cannot be told; name the page by --url or --page.")
    return address


def _looked_for(
    given: argparse.Namespace, targets: Sequence[NamedTarget], page: OpenPage, profile: BrowserProfile
) -> list[Resolved]:
    sight, host = browsing.vision(given), browsing.host(given)
    host.start()
    try:
        signed = sign(profile, secrets(given.secret))
        return host.submit(resolve(host, targets, page=page, profile=signed, sight=sight)).result()
    except (PlaywrightError, WebGraphError) as error:
        msg = f"The page cannot be looked at: {classify(error)}"
        raise UsageError(msg) from error
    finally:
        host.close()


def _saved(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise UsageError(msg) from error


def _lines(item: Resolved) -> str:
    head = f"{item.name}: {item.tier}" if item.tier else f"{item.name}: not found: {item.reason}"
    return "\n".join([head, *(line for decision in item.decisions for line in _decision(decision))])


def _decision(decision: dict[str, Any]) -> list[str]:
    why = " ".join(str(decision[name]) for name in ("reason", "why") if decision.get(name)) or "found"
    candidates = [
        f"      {candidate['score']:.2f}  {candidate['matched_by']}  {candidate['summary']}"
        for candidate in decision["candidates"][:_MOST_CANDIDATES]
    ]
    return [f"   {decision['tier']}: {why}, {decision['milliseconds']:.0f} ms", *candidates]
