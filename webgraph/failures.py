"""Every error of the browser and of HTTP, told apart once: what kind it is and what it says to a person.

Playwright raises mostly plain `Error`, so its type and message together decide. The table is measured, not guessed;
a message that is not in it counts as a failed navigation when it carries a network error, else as a bug.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from webgraph.errors import (
    AuthError,
    AutomationBugError,
    BrowserCrashError,
    NavigationError,
    ProxyError,
    RateLimitedError,
    StepTimeoutError,
    TargetAmbiguousError,
    TargetNotFoundError,
    WebGraphError,
    WrongPageError,
)

if TYPE_CHECKING:
    from datetime import datetime

# In this order: the first text found in the message decides. (text, error, permanent, sentence)
_TABLE: tuple[tuple[str, type[WebGraphError], bool | None, str], ...] = (
    ("Target crashed", BrowserCrashError, None, "The page's process crashed."),
    ("Page crashed", BrowserCrashError, None, "The page's process crashed."),
    ("browser has been closed", BrowserCrashError, None, "The browser went away."),
    ("Browser has been closed", BrowserCrashError, None, "The browser went away."),
    ("Browser closed", BrowserCrashError, None, "The browser went away."),
    ("onnection closed", BrowserCrashError, None, "The connection to the browser was lost."),
    ("ERR_PROXY_CONNECTION_FAILED", ProxyError, None, "The proxy could not be reached."),
    ("ERR_PROXY_AUTH", ProxyError, True, "The proxy refused the sign-in."),
    ("ERR_PROXY", ProxyError, None, "The proxy in front of the browser failed."),
    ("ERR_TUNNEL", ProxyError, None, "The proxy did not connect to the site."),
    ("ERR_SOCKS", ProxyError, None, "The proxy did not connect to the site."),
    (
        "ERR_BAD_SSL_CLIENT_AUTH_CERT",
        AuthError,
        None,
        "The site asks for a client certificate; declare one in the browser profile.",
    ),
    ("ERR_CONNECTION_REFUSED", NavigationError, None, "The site refused the connection."),
    ("ERR_NAME_NOT_RESOLVED", NavigationError, None, "The site's name could not be resolved."),
    ("ERR_SSL", NavigationError, True, "The site's TLS connection is not usable."),
    ("ERR_CERT", NavigationError, True, "The site's certificate is not valid."),
    ("ERR_UNSAFE_PORT", NavigationError, True, "The browser refuses to open this port."),
    ("invalid URL", NavigationError, True, "This is not an address a browser can open."),
    ("ERR_TOO_MANY_REDIRECTS", NavigationError, True, "The site redirects without end."),
    ("Download is starting", NavigationError, True, "The address is a download, not a page."),
    ("ERR_ABORTED", NavigationError, None, "The navigation was broken off."),
    ("interrupted by another navigation", NavigationError, None, "The navigation was broken off."),
    (
        "ERR_EMPTY_RESPONSE",
        NavigationError,
        None,
        "The site closed the connection without an answer.",
    ),
    ("ERR_CONNECTION", NavigationError, None, "The connection to the site broke."),
    ("ERR_TIMED_OUT", NavigationError, None, "The site did not answer in time."),
    ("no object with guid", NavigationError, None, "The window closed during the step."),
    ("strict mode violation", TargetAmbiguousError, None, "Several things fit the target."),
    ("is not a valid selector", TargetNotFoundError, None, "The selector is not valid."),
    ("Unexpected token", TargetNotFoundError, None, "The selector is not valid."),
    (
        "Unknown key",
        AutomationBugError,
        None,
        "This is no key, such as Enter or Control+A. A text, and every secret, is typed by `fill`.",
    ),
    ("Execution context was destroyed", NavigationError, None, "The page changed during the step."),
    ("frame was detached", NavigationError, None, "The page changed during the step."),
    ("Frame was detached", NavigationError, None, "The page changed during the step."),
    ("not attached to the DOM", NavigationError, None, "The page changed during the step."),
)
_STALE = (
    "Execution context was destroyed",
    "rame was detached",
    "not attached to the DOM",
    "Cannot find context",
)
_NET_ERROR = re.compile(r"net::(ERR_\w+)")
_BLOCKER = re.compile(r"(<[^\n]{1,80}>)[^\n]* intercepts pointer events")
_CLOSED = "browser has been closed"
# What proxies write into answers of their own: Squid, proxy.py and others. The standard says Proxy-Status (RFC 9209).
_PROXY_MARKS = frozenset({"x-squid-error", "proxy-agent"})
# Every browser goes out through a proxy of ours, which says itself why a site could not be reached (`surface`).
_WAY_OUT = ("ERR_SOCKS", "ERR_TUNNEL", "ERR_PROXY_CONNECTION_FAILED")
_CERTIFICATE_PAGE = "Playwright client-certificate error:"


def classify(
    error: BaseException,
    *,
    window_closed: bool = False,
    proxied: bool = True,
    unreached: WebGraphError | None = None,
) -> WebGraphError:
    """The same failure in this package's taxonomy, with one plain sentence for a person.

    `window_closed` says that the browser lives and only this window is gone, and `proxied` that a proxy was declared,
    which Playwright's text does not tell: it puts a proxy of its own before a browser with a client certificate.
    `unreached` is why the page's document could not be had, which counts where the browser reports a network error.
    """
    if isinstance(error, WebGraphError):
        return error
    if isinstance(error, PlaywrightTimeoutError):
        return _timed_out(str(error))
    if isinstance(error, TimeoutError):
        return StepTimeoutError("The step did not finish in time.")
    if isinstance(error, PlaywrightError):
        if unreached is not None and _NET_ERROR.search(str(error)):
            return unreached
        return _from_message(str(error), window_closed=window_closed, proxied=proxied)
    return AutomationBugError(f"{type(error).__name__}: {first_line(error)}")


def is_stale(error: BaseException) -> bool:
    """Whether the page was replaced under a reading step, so that reading once more is right."""
    return isinstance(error, PlaywrightError) and any(text in str(error) for text in _STALE)


def first_line(error: BaseException) -> str:
    """What an exception says, without the log that may follow."""
    return str(error).strip().partition("\n")[0]


def from_status(
    status: int, *, url: str, headers: dict[str, str], now: datetime, proxied: bool = False
) -> WebGraphError | None:
    """The failure an HTTP status means for a page that was wanted; None below 500 except 429 and a proxy's own answer."""
    if proxied and (failure := _proxys_own(status, url=url, headers=headers)) is not None:
        return failure
    if status == 429:
        wait = retry_after_seconds(headers.get("retry-after", ""), now=now)
        return RateLimitedError(f"The site asks to come back later (429) at {url}.", retry_after_seconds=wait)
    if status >= 500:
        wait = retry_after_seconds(headers.get("retry-after", ""), now=now)
        return NavigationError(f"The site answered {status} at {url}.", retry_after_seconds=wait)
    return None


def proxy_refused_sign_in() -> ProxyError:
    """The failure of a proxy that answers 407."""
    return ProxyError(
        "The proxy asks for a sign-in, or refused the one it got (407). Check the credential of the profile's proxy.",
        permanent=True,
    )


def certificate_failure(body: str) -> WebGraphError | None:
    """The failure behind the page that Playwright shows when the TLS connection of a client certificate fails."""
    _, mark, reason = body.partition(_CERTIFICATE_PAGE)
    if not mark:
        return None
    # An alert is the other side's word: it did not take the certificate. All else is our word about the site's.
    kind = AuthError if " alert " in reason else NavigationError
    return kind(
        f"The TLS connection of the client certificate failed: {reason.strip()[:200]}.", permanent=True
    )


def unexpected_status(status: int, *, url: str) -> WebGraphError:
    """The failure of a status an automation said it does not accept."""
    if status in {401, 403}:
        return AuthError(f"The site refused access ({status}) at {url}.")
    return WrongPageError(f"The site answered {status} at {url}.")


def retry_after_seconds(value: str, *, now: datetime) -> float | None:
    """The wait a Retry-After header asks for (RFC 9110: seconds or an HTTP date); None when it says nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:  # "-0000", which the RFC reads as UTC without a known zone
        at = at.replace(tzinfo=now.tzinfo)
    return max(0.0, (at - now).total_seconds())


def _timed_out(message: str) -> WebGraphError:
    blocker = _BLOCKER.search(message)
    if blocker:
        return TargetNotFoundError(f"The target is covered by {blocker[1]}.")
    if "element is not enabled" in message:
        return TargetNotFoundError("The target is disabled.")
    if "element is not stable" in message:
        return StepTimeoutError("The target did not stop moving in time.")
    if message.startswith("Page.goto"):
        return StepTimeoutError("The page did not load in time.")
    return StepTimeoutError("The step did not finish in time.")


def _proxys_own(status: int, *, url: str, headers: dict[str, str]) -> ProxyError | None:
    """The failure when it was the proxy that answered over plain http, as far as its answer tells; None otherwise."""
    if status == 407:
        return proxy_refused_sign_in()
    marked = not _PROXY_MARKS.isdisjoint(headers) or "error=" in headers.get("proxy-status", "")
    if status < 400 or not marked:
        return None
    return ProxyError(f"The proxy itself answered {status} for {url}.")


def _from_message(message: str, *, window_closed: bool, proxied: bool) -> WebGraphError:
    if window_closed and _CLOSED in message:
        return WrongPageError("The window was closed while the step was at work.")
    if not proxied and any(text in message for text in _WAY_OUT):
        return NavigationError("The site could not be reached.")
    for text, error, permanent, sentence in _TABLE:
        if text in message:
            return error(sentence, permanent=permanent)
    network = _NET_ERROR.search(message)
    if network:
        return NavigationError(f"The page could not be loaded ({network[1]}).")
    line = message.strip().partition("\n")[0]
    return AutomationBugError(f"The browser reported: {line}")
