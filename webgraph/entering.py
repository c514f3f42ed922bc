"""What is typed, chosen and pressed: every way in which an automation's words come into a page's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from infra_shared.clock import monotonic
from infra_shared.redaction import MASK
from webgraph.codes import LONGEST_WAIT_SECONDS, code_taken
from webgraph.errors import AutomationBugError
from webgraph.evidence.typing import unrecorded
from webgraph.window import Window

if TYPE_CHECKING:
    from webgraph.conditions import Condition
    from webgraph.step_plan import Act
    from webgraph.target import Target

_SPELT = (
    "These keys spell a secret, and keys go wherever the page has put the focus, which cannot be checked. Type it with "
    "`fill`: the whole text at once, or one character into each box. Where a page waits for keys, press one that types "
    "nothing afterwards, such as End."
)


class Entering(Window):
    """The steps that put a text into a field. Whatever of it is a secret is checked, hidden and remembered first."""

    async def fill(
        self,
        target: Target,
        value: str | SecretStr,
        *,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Replace a field's value, or choose an option where the field is a list to choose from.

        A secret is drawn as dots and never shown in what is kept; one of a credential goes only into a document of an
        origin that it is bound to, else MisplacedSecretError. A param of the type `Secret` is given as it is. One whose
        characters go each into a box of its own, as codes often do, is noticed on the way.
        """
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
            self._supervisor.scrub.learn([value])
        spelt = self._supervisor.keystrokes.entered(value)
        whole = "\n".join([value, *spelt.secrets])
        secret = spelt.begun or self._supervisor.scrub.holds_secret(value)
        check = self._supervisor.bindings.check_for(whole)

        async def act(it: Act) -> None:
            self._given(whole)
            await it.on.fill(value, secret=secret, timeout_seconds=it.clock.left, check=check)

        await self._act(
            "fill",
            f"Fill {target} with “{MASK if secret else value}”",
            act,
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
        )

    async def fill_code(
        self,
        target: Target,
        *,
        credential: str,
        wait_seconds: float = LONGEST_WAIT_SECONDS,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Replace a field's value by a one-time code of a credential, one that no run has used before.

        When the present code is used already, or about to expire, the step waits for the next one up to
        `wait_seconds`, apart from its own time; the attempt's deadline goes on. StepTimeoutError when none was free.
        """
        codes, supervisor = self._supervisor.codes, self._supervisor
        assert codes is not None  # every attempt has them
        codes.check(credential)

        async def act(it: Act) -> None:
            began = monotonic()
            code = await codes.take(credential, wait_seconds=wait_seconds)
            waited = monotonic() - began
            it.clock.extend(waited)
            supervisor.note(code_taken(credential, waited_seconds=waited))
            supervisor.keeper.secret_was_typed(self._surface)
            check = supervisor.bindings.check_for(code)
            await it.on.fill(code, secret=True, timeout_seconds=it.clock.left, check=check)

        await self._act(
            "fill_code",
            f"Fill {target} with a one-time code of “{credential}”",
            act,
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
            wait_seconds=wait_seconds,
        )

    async def select(
        self,
        target: Target,
        option: str,
        *,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Choose an option by its label or value."""
        check = self._supervisor.bindings.check_for(option)
        await self._act(
            "select",
            f"Select “{option}” in {target}",
            lambda it: it.on.select(option, timeout_seconds=it.clock.left, check=check),
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
            changes=True,
        )

    async def press(
        self,
        target: Target | None,
        key: str,
        *,
        then: Condition | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Press a key or chord (`Enter`, `Control+A`) on a thing, or on whatever has the focus when None.

        Keys are for what a keyboard does beside typing. They go wherever the focus is, which nobody can check, so keys
        that spell a secret raise AutomationBugError with the third one: `fill` types it. A page that does something only
        when keys are pressed gets one that types nothing afterwards, such as `End`.
        """
        page = self._surface.page
        spelt = self._supervisor.keystrokes.pressed(key)

        async def act(it: Act) -> None:
            if spelt.secrets:
                raise AutomationBugError(_SPELT)
            actor, left = it.actor, it.clock.left

            async def press() -> None:
                if actor is None:
                    await page.keyboard.press(key)
                else:
                    await actor.press(key, timeout_seconds=left)

            await (unrecorded(page, press) if spelt.begun else press())

        where = f" on {target}" if target else ""
        await self._act(
            "press",
            f"Press {MASK if spelt.begun else key}{where}",
            act,
            target=target,
            then=then,
            timeout_seconds=timeout_seconds,
            changes=True,
        )
