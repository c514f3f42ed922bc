"""How one attempt comes to be signed in: by a kept session that is still valid, or by the stage that signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra_shared.sessions.rules import NEVER, Granted, LockedOut, Ready
from webgraph.asking import PARKED
from webgraph.errors import AttemptStopped, AuthError, AutomationBugError
from webgraph.page_mark import place_of
from webgraph.recorder import SignInElsewhere
from webgraph.session import Provenance, SessionUse, said
from webgraph.session_desk import Signed
from webgraph.session_state import NotCacheableError, put, secrets_of, session_script, take

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from playwright.async_api import BrowserContext

    from infra_shared.sessions.rules import CachedSession
    from webgraph.evidence.scrub import Scrub
    from webgraph.flow import Automation
    from webgraph.journal import Journal
    from webgraph.page import Page
    from webgraph.session_desk import SessionDesk
    from webgraph.surface import Surface

_MOST_SESSIONS = 3
"""So many kept sessions are tried in one attempt; each is one that somebody signed in to meanwhile."""
_SENT_ELSEWHERE_SECONDS = 1.0


class SigningIn:
    """The session of one attempt; `waits_for` says who signs in, where the attempt has to wait for that.

    An attempt whose automation declares none, or that was given no desk, signs in by its stage each time.
    """

    def __init__(
        self,
        automation: Automation,
        identity: str,
        desk: SessionDesk | None,
        *,
        journal: Journal,
        scrub: Scrub,
        site_knows: Callable[[Iterable[str]], None],
    ) -> None:
        """`site_knows` is told the addresses whose pages may show who is signed in, though this attempt typed nothing."""
        self._automation = automation
        self._identity = identity
        self._desk = desk
        self._journal = journal
        self._scrub = scrub
        self._site_knows = site_knows
        self._declared = automation.session if desk is not None else None
        self._kept: CachedSession | None = None
        self._saw = NEVER
        self._granted: Granted | None = None
        self.waits_for: SignInElsewhere | None = None

    @property
    def storage_state(self) -> dict[str, Any] | None:
        """What a new browser context begins with."""
        return self._kept.state["storage_state"] if self._kept is not None else None

    def is_login(self, stage: str) -> bool:
        """Whether a stage is the one that signs in."""
        return self._declared is not None and stage == self._declared.login

    async def open(self) -> None:
        """Find a kept session, or be let sign in, before there is a browser.

        Raises AttemptStopped where somebody else is signing in, AuthError where nobody may.
        """
        if self._declared is not None:
            await self._find()

    async def pass_over(self) -> None:
        """Go on after an earlier attempt, in its browser's state: nobody has to wait for this one to sign in."""
        if self._declared is not None:
            await self._call("not_needed", None)

    async def restore(self, page: Page, surface: Surface, context: BrowserContext) -> bool:
        """Whether the browser is signed in by a kept session; else it is empty, and this attempt is let sign in."""
        if self._declared is None:
            return False
        for _ in range(_MOST_SESSIONS):
            kept = self._kept
            if kept is None:
                return False
            if await self._is_signed_in(page, surface, session_script(kept.state)):
                note = f"signed in at {kept.stored_at:%Y-%m-%d %H:%M:%S} UTC"
                await self._say(Provenance.CACHED, note)
                return True
            self._give_up_kept()
            await self._find()
            await put(context, surface.page, self._kept_state())
        raise AuthError(
            "Each kept session was found invalid as soon as somebody had signed in.", permanent=False
        )

    async def sign_in(
        self, run: Callable[[], Awaitable[Any]], page: Page, surface: Surface, context: BrowserContext
    ) -> None:
        """Sign in by the stage's own code, or by a session somebody else has signed in to meanwhile."""
        if self._granted is None:
            self._give_up_kept()  # where this attempt went on with one, and is asked to sign in all the same
            await self._find()
            if self._kept is not None:
                await put(context, surface.page, self._kept.state)
                if await self.restore(page, surface, context):
                    return
        granted, self._granted = self._granted, None
        before = self._automation.state.model_copy(deep=True)
        await run()
        if self._automation.state != before:
            msg = "The stage that signs in must not change the state: it is left out where a session is kept."
            raise AutomationBugError(msg)
        if not await self._is_signed_in(page, surface):
            msg = "Nobody is signed in after the stage that signs in: its session's probe did not find its target."
            raise AuthError(msg)
        obstacle = await self._keep(surface, context)
        if obstacle:
            await self._say(Provenance.DEGRADED, obstacle)
            return
        renewed = granted is not None and granted.renews
        await self._say(Provenance.REFRESHED if renewed else Provenance.FRESH, "")

    def _give_up_kept(self) -> None:
        if self._kept is not None:
            self._saw = self._kept.generation
        self._kept = None

    def _kept_state(self) -> dict[str, Any] | None:
        return self._kept.state if self._kept is not None else None

    async def _find(self) -> None:
        """Have a kept session or the right to sign in."""
        for _ in range(_MOST_SESSIONS):
            kept = await self._call("current", None)
            if kept is not None and self._is_good(kept):
                self._kept = kept
                self._scrub.learn(secrets_of(kept.state))
                return
            if kept is not None:
                self._saw = kept.generation
            answer = await self._call("ask", self._saw)
            if isinstance(answer, Granted):
                self._granted = answer
                return
            if isinstance(answer, LockedOut):
                raise _locked_out(answer)
            if not isinstance(answer, Ready):  # then somebody has signed in since it was looked
                break
        self.waits_for = SignInElsewhere()
        raise AttemptStopped(PARKED, "It waits for another attempt to sign in.")

    def _is_good(self, kept: CachedSession) -> bool:
        """Whether a kept session may be tried: it was not tried before, and is of the credential as it is now."""
        return kept.generation != self._saw and kept.state.get("identity") == self._identity

    async def _keep(self, surface: Surface, context: BrowserContext) -> str:
        """Why the session of this login is not kept; empty when it is."""
        try:
            state = {**await take(surface.page, context), "identity": self._identity}
        except NotCacheableError as error:
            left = Signed(None, self._scrub.text(str(error)))
        else:
            self._scrub.learn(secrets_of(state))
            left = Signed(state)
        obstacle: str = await self._call("signed_in", left)
        return obstacle

    async def _is_signed_in(self, page: Page, surface: Surface, script: str = "") -> bool:
        """Whether the probe's page shows what only a signed-in visitor sees."""
        assert self._declared is not None  # asked of declared sessions alone
        probe = self._declared.probe
        url = said(probe.url, self._automation.params)
        if script:
            self._site_knows([url])
            async with await surface.page.add_init_script(script):
                await page.goto(url)
        elif place_of(surface.url) != place_of(url):
            await page.goto(url)
        within = probe.within.total_seconds()
        if place_of(surface.url) != place_of(url):
            within = min(within, _SENT_ELSEWHERE_SECONDS)
        return await page.is_visible(probe.target, within_seconds=within)

    async def _say(self, provenance: Provenance, note: str) -> None:
        await self._call("used", SessionUse(provenance=provenance, note=note))

    async def _call(self, method: str, item: Any) -> Any:
        return await self._journal.call(getattr(self._desk, method), item)


def _locked_out(answer: LockedOut) -> AuthError:
    msg = (
        f"No login is tried until {answer.until:%Y-%m-%d %H:%M} UTC, for {answer.failures} failed one after another, so that "
        f"the site does not lock the account. Mend the cause, then release the lock: the latest said “{answer.last_failure}”"
    )
    return AuthError(msg, permanent=True)
