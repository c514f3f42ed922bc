"""A browser profile with its credentials filled in: lives as long as an attempt, and is shown to nobody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from webgraph.browser.gateway.places import Place
from webgraph.browser.gateway.ways import Upstream, Ways
from webgraph.errors import AddressRefusedError, AuthError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import BrowserContext, Route, WebSocketRoute

    from webgraph.browser.profile import BrowserProfile
    from webgraph.network import AddressPolicy

# Chromium goes past a proxy to reach this machine unless it is told not to.
_EVEN_THIS_MACHINE = "<-loopback>"
_SECURE_PORTS = {"https": 443, "wss": 443}


@dataclass(frozen=True, slots=True)
class SignedProfile:
    """What a browser context is made with. Make it with `sign`."""

    profile: BrowserProfile
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)

    def context_options(self, door: str) -> dict[str, Any]:
        """The profile in the words of Playwright's `new_context`, every request going out through a door."""
        profile = self.profile
        options: dict[str, Any] = {
            "viewport": {"width": profile.viewport.width, "height": profile.viewport.height},
            "accept_downloads": True,
            "proxy": {"server": door, "bypass": _EVEN_THIS_MACHINE},
        }
        named = {
            "locale": profile.locale,
            "timezone_id": profile.timezone,
            "user_agent": profile.user_agent,
            "extra_http_headers": profile.extra_headers or None,
            "http_credentials": self._http_basic(),
            "client_certificates": self._certificates() or None,
            # They work on unseen between pages, so only who needs them has them; and as their requests pass no route,
            # which one must that stops what goes to an unchecked origin, nobody has them beside a certificate.
            "service_workers": "allow"
            if profile.service_workers and not profile.client_certificate
            else "block",
        }
        return options | {name: value for name, value in named.items() if value is not None}

    async def guard(self, context: BrowserContext) -> None:
        """Keep a context with a client certificate from other https origins than those it is for.

        Playwright answers the TLS handshake in the browser's place for these origins and checks the site's certificate
        itself; for that it lets the whole context accept any certificate. What it does not check must not be reached.
        """
        if self.profile.client_certificate is None:
            return

        async def judge(route: Route) -> None:
            await (
                route.continue_() if self._is_checked(route.request.url) else route.abort("blockedbyclient")
            )

        async def judge_socket(socket: WebSocketRoute) -> None:
            if self._is_checked(socket.url):
                socket.connect_to_server()
            else:
                await socket.close(code=1008, reason="The profile does not list this origin.")

        await context.route(lambda url: url.startswith("https:"), judge)
        await context.route_web_socket(lambda url: url.startswith("wss:"), judge_socket)

    async def policy(self, base: AddressPolicy) -> AddressPolicy:
        """The installation's policy with what this profile adds; raises when the proxy itself may not be reached."""
        gates = []
        if self.profile.proxy is not None:
            host, port = self.profile.proxy.host_and_port
            await base.check(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        if self.profile.client_certificate is not None:
            gates.append(self._check_origin)
        return replace(base, proxied=self.profile.proxy is not None, gates=tuple(gates))

    def ways(self, policy: AddressPolicy) -> Ways:
        """How requests leave this machine: to addresses of this policy, on through the profile's proxy if it has one."""
        proxy = self.profile.proxy
        if proxy is None:
            return Ways(replace(policy, proxied=False))
        scheme = proxy.server.partition(":")[0]
        upstream = Upstream(
            scheme, Place(*proxy.host_and_port), proxy.bypass, self._sign_in(proxy.credential)
        )
        return Ways(replace(policy, proxied=True), upstream)

    async def _check_origin(self, url: str) -> None:
        if url.startswith("https:") and not self._is_checked(url):
            parts = urlsplit(url)
            msg = (
                f"{parts.netloc} is not among the origins of the client certificate. Beside one, only listed origins "
                "are reached: no other site's certificate would be checked. Add it to `client_certificate.origins`."
            )
            raise AddressRefusedError(msg)

    def _is_checked(self, url: str) -> bool:
        certificate = self.profile.client_certificate
        return certificate is not None and _place(url) in {_place(origin) for origin in certificate.origins}

    def _sign_in(self, credential: str | None) -> tuple[str, str] | None:
        if credential is None:
            return None
        return self.secrets[credential]["username"], self.secrets[credential]["password"]

    def _http_basic(self) -> dict[str, str] | None:
        basic = self.profile.http_basic
        signed = self._sign_in(basic.credential) if basic else None
        if basic is None or signed is None:
            return None
        return {"origin": basic.origin, "username": signed[0], "password": signed[1]}

    def _certificates(self) -> list[dict[str, Any]]:
        certificate = self.profile.client_certificate
        if certificate is None:
            return []
        fields = self.secrets[certificate.credential]
        pem: dict[str, Any] = {"cert": fields["certificate"].encode(), "key": fields["key"].encode()}
        if fields.get("passphrase"):
            pem["passphrase"] = fields["passphrase"]
        return [{"origin": origin, **pem} for origin in certificate.origins]


def sign(profile: BrowserProfile, secrets: Mapping[str, Mapping[str, str]]) -> SignedProfile:
    """The profile with the credentials it names; AuthError says which one is missing, or lacks a field."""
    for part, name, fields in profile.credentials():
        lacking = [key for key in fields if not secrets.get(name, {}).get(key)]
        if lacking:
            msg = f"The credential {name!r} of the browser profile's {part} has no field {lacking[0]!r}."
            raise AuthError(msg, permanent=True)
    return SignedProfile(profile, secrets)


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _SECURE_PORTS.get(parts.scheme)
