"""Where the secrets of credentials may go: each is bound to origins, and is typed into documents of these alone.

A page decides by itself where it leads, so what counts is not where the automation wanted to be but where the field is:
the origin of its frame's document, as the browser says it, at the moment of typing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from infra_shared.redaction import Redactor
from webgraph.errors import AuthError
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from playwright.async_api import ElementHandle, Frame

    from webgraph.asked_places import AskedPlaces
    from webgraph.browser.profile import BrowserProfile

NO_ORIGIN = "a page without an origin of its own"
_INHERITS = ("about:blank", "about:srcdoc", "")


class MisplacedSecretError(AuthError):
    """A credential would have been given to an origin it is not bound to; `asked` when the run's params name that one."""

    def __init__(self, credentials: Collection[str], origin: str, *, asked: bool = False) -> None:
        names = " or ".join(f"“{name}”" for name in sorted(credentials))
        why = (
            "The run's params name that site, and whoever asks for a run does not say where a credential goes"
            if asked
            else "If not, find out how the browser came there"
        )
        super().__init__(
            f"The credential {names} is not bound to {origin}, so nothing of it was given to that site. If it belongs "
            f"there, bind the credential to that site. {why}.",
            permanent=True,
        )


class PlaceCheck(Protocol):
    """Says whether a certain text may be typed at an origin."""

    def __call__(self, origin: str) -> None:
        """Return when it may; MisplacedSecretError when not."""


class Bindings:
    """The credentials of one attempt and their origins.

    A credential without an entry may go anywhere. One whose entry is empty may go to the origins the automation opens
    itself, by the addresses it writes: not to where these lead, nor to frames and windows of others, nor to places that
    the run's params name (`asked`).
    """

    def __init__(
        self,
        secrets: Mapping[str, Mapping[str, str]],
        origins: Mapping[str, Iterable[str]],
        asked: AskedPlaces | None = None,
    ) -> None:
        self._asked = asked
        self._origins = {
            name: frozenset(origin_of(item) for item in items) for name, items in origins.items()
        }
        self.opened: set[str] = set()
        """The origins the automation opened itself."""
        self._owners: dict[str, set[str]] = {}
        self._finders: dict[str, Redactor] = {}
        for name, fields in secrets.items():
            for value in fields.values():
                self.learn(name, value)

    def learn(self, credential: str, value: str) -> None:
        """Know one more value of a credential, such as a one-time code."""
        if value:
            self._owners.setdefault(value, set()).add(credential)
            self._finders.setdefault(value, Redactor([value]))

    def open(self, url: str) -> None:
        """Let the automation open an address; MisplacedSecretError when it carries what is not for that origin."""
        place = place_of(url)
        if place != NO_ORIGIN and not self._is_asked(place):
            self.opened.add(place)
        if (check := self.check_for(url)) is not None:
            check(place)

    def check_for(self, text: str) -> PlaceCheck | None:
        """The check for a text that is about to be given to a page; None for one that may go anywhere."""
        wanted = [
            owners
            for value, owners in self._owners.items()
            if owners <= self._origins.keys() and (value == text or self._finders[value].contains(text))
        ]
        if not wanted:
            return None

        def check(origin: str) -> None:
            for owners in wanted:
                if not any(self._may(name, origin) for name in owners):
                    unbound = any(not self._origins[name] for name in owners)
                    raise MisplacedSecretError(owners, origin, asked=unbound and self._is_asked(origin))

        return check

    def check_profile(self, profile: BrowserProfile) -> None:
        """Raise MisplacedSecretError when the browser profile would sign in where its credential is not bound to.

        A profile's addresses are the automation's own, so an empty entry allows them.
        """
        for credential, origin in profile_places(profile):
            if self._origins.get(credential) and not self._may(credential, origin):
                raise MisplacedSecretError([credential], origin)

    def _is_asked(self, origin: str) -> bool:
        return self._asked is not None and self._asked.hold(origin)

    def _may(self, credential: str, origin: str) -> bool:
        return origin in (self._origins[credential] or self.opened)


def profile_places(profile: BrowserProfile) -> list[tuple[str, str]]:
    """The credentials of a browser profile, each with an origin it is shown to."""
    found: list[tuple[str, str]] = []
    if profile.proxy is not None and profile.proxy.credential is not None:
        found.append((profile.proxy.credential, origin_of(profile.proxy.server)))
    if profile.http_basic is not None:
        found.append((profile.http_basic.credential, origin_of(profile.http_basic.origin)))
    if profile.client_certificate is not None:
        certificate = profile.client_certificate
        found += [(certificate.credential, origin_of(origin)) for origin in certificate.origins]
    return found


async def check_element(element: ElementHandle, check: PlaceCheck) -> None:
    """Raise what the check raises about the document an element lives in.

    A handle dies with its document: what was checked through it cannot become another origin's element.
    """
    frame = await element.owner_frame()
    check(origin_of_frame(frame) if frame is not None else NO_ORIGIN)


def origin_of_frame(frame: Frame) -> str:
    """The origin of a frame's document as the browser tells it; NO_ORIGIN for one that has none, such as `data:`.

    The page's own scripts are not asked, as they could lie.
    """
    at: Frame | None = frame
    while at is not None and at.url in _INHERITS:
        at = at.parent_frame
    url = at.url.removeprefix("blob:") if at is not None else ""
    return place_of(url)


def place_of(url: str) -> str:
    """The origin of a web address; NO_ORIGIN for one that has none."""
    try:
        return origin_of(url) if urlsplit(url).scheme in ("http", "https") else NO_ORIGIN
    except ValueError:
        return NO_ORIGIN
