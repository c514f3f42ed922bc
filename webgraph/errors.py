"""What can go wrong in an attempt, as one taxonomy.

The failure kind says *why* an attempt ended; whether it is worth another try is a default of the kind, which an
automation may override. `worker_lost` is decided outside this package, but belongs to the same list, so that everyone
counts failures by the same words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class FailureKind(StrEnum):
    """Why an attempt failed. The values are part of the API and are never renamed."""

    NAVIGATION = "navigation"
    TIMEOUT = "timeout"
    TARGET_NOT_FOUND = "target_not_found"
    TARGET_AMBIGUOUS = "target_ambiguous"
    WRONG_PAGE = "wrong_page"
    AUTH = "auth"
    BLOCKED_BY_SITE = "blocked_by_site"
    RATE_LIMITED = "rate_limited"
    BAD_PARAMS = "bad_params"
    BAD_RESULT = "bad_result"
    BROWSER_CRASH = "browser_crash"
    WORKER_LOST = "worker_lost"
    PROXY = "proxy"
    STORAGE = "storage"
    BUG = "bug"
    CANCELLED = "cancelled"

    @property
    def retryable(self) -> bool:
        """Whether another attempt is worth it by default."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        FailureKind.NAVIGATION,
        FailureKind.TIMEOUT,
        FailureKind.RATE_LIMITED,
        FailureKind.BROWSER_CRASH,
        FailureKind.WORKER_LOST,
        FailureKind.PROXY,
        FailureKind.STORAGE,
    }
)


class WebGraphError(Exception):
    """Base of everything this package raises on purpose.

    Attributes:
        kind: the failure kind of an attempt that ends with this error.
        permanent: True when another attempt cannot help, False when it may, None for the kind's default.
        retry_after_seconds: what the site itself asked for, where it did.
    """

    kind = FailureKind.BUG

    def __init__(
        self,
        message: str,
        *,
        permanent: bool | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = not self.kind.retryable if permanent is None else permanent
        self.retry_after_seconds = retry_after_seconds


class NavigationError(WebGraphError):
    """A page could not be reached, or answered with a server error."""

    kind = FailureKind.NAVIGATION


class LimitError(NavigationError):
    """A page did more than an installation lets one attempt's pages do; the message names the setting."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class StepTimeoutError(WebGraphError):
    """A step, or the attempt, did not finish within its time."""

    kind = FailureKind.TIMEOUT


class TargetNotFoundError(WebGraphError):
    """No tier could find the one thing a target describes."""

    kind = FailureKind.TARGET_NOT_FOUND


class TargetAmbiguousError(WebGraphError):
    """Several things fit a target equally well; a worker abstains rather than guesses."""

    kind = FailureKind.TARGET_AMBIGUOUS


class WrongPageError(WebGraphError):
    """The browser is on another page than the automation expects."""

    kind = FailureKind.WRONG_PAGE


class AuthError(WebGraphError):
    """The site refused the sign-in, or a credential is missing."""

    kind = FailureKind.AUTH


class BlockedBySiteError(WebGraphError):
    """The site refuses automated visitors."""

    kind = FailureKind.BLOCKED_BY_SITE


class RateLimitedError(WebGraphError):
    """The site asks to come back later (429)."""

    kind = FailureKind.RATE_LIMITED


class BadParamsError(WebGraphError):
    """The params cannot work, whatever the page says."""

    kind = FailureKind.BAD_PARAMS


class AddressRefusedError(BadParamsError):
    """An address this installation does not let a browser open; the message names the setting."""


class BadResultError(WebGraphError):
    """What the automation returned does not fit its Result schema; `rejected` holds the rows that did not.

    They are as they were read, secrets included: `webgraph.rejected` writes them without.
    """

    kind = FailureKind.BAD_RESULT

    def __init__(self, message: str, *, rejected: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.rejected = rejected


class BrowserCrashError(WebGraphError):
    """The browser, its driver or a renderer went away."""

    kind = FailureKind.BROWSER_CRASH


class ProxyError(WebGraphError):
    """The proxy in front of the browser refused or failed."""

    kind = FailureKind.PROXY


class InputUnavailableError(WebGraphError):
    """A file the run was given cannot be had now."""

    kind = FailureKind.STORAGE


class AutomationBugError(WebGraphError):
    """The automation's own code raised something that is not part of this taxonomy."""

    kind = FailureKind.BUG


class UnansweredError(WebGraphError):
    """Nobody answered a question in time; its kind is what the question declared."""

    def __init__(self, prompt: str, seconds: float, kind: FailureKind) -> None:
        self.kind = kind
        super().__init__(f"Nobody answered within {seconds:.0f} s: {prompt}", permanent=True)


class AttemptStopped(WebGraphError):  # noqa: N818 - an order to stop, not an error of the automation
    """Raised by a recorder: take no further step and end the attempt.

    Attributes:
        reason: why, as one word for logs ("cancelled", "lease_lost", "deadline", ...).
    """

    kind = FailureKind.CANCELLED

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or f"The attempt was stopped: {reason}.", permanent=True)
        self.reason = reason
