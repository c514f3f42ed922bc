"""What an automation is to the framework: an ordered list of stages, each with a declared effect."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel

from infra_shared.own_patterns import MOST_PATTERNS, problem_of
from webgraph.browser.profile import BrowserProfile
from webgraph.recorder import Effect, EvidenceLevel
from webgraph.recovery import NewWindow, Recovery, SignInAgain
from webgraph.run_log import RunLog
from webgraph.secret_values import has_secrets, problems_of_secrets
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.errors import FailureKind
    from webgraph.page import Page
    from webgraph.session import SignedInSession

StageMethod = TypeVar("StageMethod", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Stage:
    """A named, resumable part of an automation. `effect` is None when its author forgot to declare one."""

    name: str
    effect: Effect | None
    title: str
    effect_key: str | Callable[[Any], str] = ""
    """For a commit: the method (by its name), or the function of the params, that says what counts once."""
    instead: str = ""
    """The method that reaches the same end another way when a target of this stage cannot be found."""


class FlowError(Exception):
    """An automation's definition is not usable; the message says what to change."""


def stage(
    *,
    effect: Effect | str | None = None,
    title: str = "",
    instead: str = "",
    effect_key: str | Callable[[Any], str] = "",
) -> Callable[[StageMethod], StageMethod]:
    """Mark a method as the next stage of its automation; stages run in the order they are written.

    `effect_key` says what it is that a commit does once, such as the number of the invoice: a function of the params,
    or the name of a method without arguments. A run whose key was used before does not act again. An empty key counts
    for its run alone. Keys are kept in the open, so one that holds a secret fails the attempt before the stage begins.

    `instead` names another method of the automation, itself no stage, that is run when a target of this one cannot be
    found on any tier or the budget for looking is spent: the plan B of a stage that commits nothing.
    """

    def mark(method: StageMethod) -> StageMethod:
        declared = Effect(effect) if effect is not None else None
        name = method.__name__
        words = title or name.replace("_", " ").capitalize()
        method.__stage__ = Stage(  # type: ignore[attr-defined]  # the mark `stages` looks for
            name=name, effect=declared, title=words, effect_key=effect_key, instead=instead
        )
        return method

    return mark


class NoData(BaseModel):
    """The schema of an automation that takes no params, keeps no state or returns nothing."""


class Automation:
    """Base class of an automation written in Python.

    A subclass names itself (`key`), types its `Params`, `State` and `Result` with pydantic, and writes its stages as
    `async def` methods marked with `@stage(effect=...)`. One instance serves one attempt: `self.params` is what was
    asked, `self.state` what a later stage (or a later attempt) may read; the last stage returns the Result.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    Params: ClassVar[type[BaseModel]] = NoData
    State: ClassVar[type[BaseModel]] = NoData
    Result: ClassVar[type[BaseModel]] = NoData

    credentials: ClassVar[tuple[str, ...]] = ()
    """Names of the credentials it needs; the values arrive at run time and are never part of the definition."""
    queue: ClassVar[str] = "default"
    deadline: ClassVar[timedelta] = timedelta(minutes=5)
    """How long one attempt may take."""
    run_deadline: ClassVar[timedelta | None] = None
    """How long the whole run may take, from the beginning of its first attempt; None for as long as its attempts need."""
    step_timeout: ClassVar[timedelta] = timedelta(seconds=15)
    vision_steps: ClassVar[int] = 10
    """How many steps of one attempt may be solved by sight; then it takes another way, or fails."""
    model_tokens: ClassVar[int] = 20_000
    """How many tokens of a model one attempt may spend on sight."""
    max_attempts: ClassVar[int] = 3
    max_concurrent: ClassVar[int | None] = None
    """How many attempts may run at once over all nodes; None for no limit."""
    sites: ClassVar[tuple[str, ...]] = ()
    """Addresses of the sites it works on, such as `https://shop.example`: limits, pace and circuit breakers are theirs."""
    retryable: ClassVar[Mapping[FailureKind, bool]] = {}
    """Failure kinds for which this automation overrides the default of the kind."""
    profile: ClassVar[BrowserProfile] = BrowserProfile()
    """How the browser presents itself to the site."""
    evidence: ClassVar[EvidenceLevel] = EvidenceLevel.DEFAULT
    cover_media: ClassVar[bool] = True
    """Whether canvas, video and images are covered in pictures of a site into which a secret was typed: they may show
    it, and nobody can look into them. Where they show none, and are to be seen or found by sight, say False."""
    redact_patterns: ClassVar[tuple[str, ...]] = ()
    """Regular expressions (RE2's) whose matches are taken out of every text that is kept, results included."""
    recoveries: ClassVar[tuple[Recovery | SignInAgain | NewWindow, ...]] = ()
    """What may get in the way and how it is put aside, tried before a step gives up a tier."""
    session: ClassVar[SignedInSession | None] = None
    """The signed-in session its runs share: with a valid one, the stage that signs in is left out."""
    resume: ClassVar[bool] = True
    """Whether another attempt may go on after the last finished stage, in a browser with the same cookies and page."""
    allow_latest: ClassVar[bool] = False
    """Whether a run may be executed by a newer version than the one it was requested with."""

    def __init__(self, params: Any, secrets: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.params: Any = params
        self.state: Any = self.State()
        self._secrets = dict(secrets or {})
        self.log = RunLog()
        """Where it says what it does, for whoever reads the run: `self.log.info("page_read", rows=12)`."""

    def credential(self, name: str) -> Mapping[str, str]:
        """The fields of a credential this automation declared."""
        if name not in self.credentials:
            msg = f"{self.key} does not declare the credential {name!r} in `credentials`."
            raise FlowError(msg)
        return self._secrets[name]

    @classmethod
    def stages(cls) -> tuple[Stage, ...]:
        """The stages in the order they are written, base classes first."""
        found: dict[str, Stage] = {}
        for owner in reversed(cls.__mro__):
            for name, member in vars(owner).items():
                mark = getattr(member, "__stage__", None)
                if mark is not None:
                    found[name] = mark
        return tuple(found.values())

    async def run_stage(self, name: str, page: Page) -> Any:
        """Run one stage by its name and return what it returned."""
        return await getattr(self, name)(page)

    def effect_key_of(self, stage: Stage) -> str:
        """What a commit stage does once, in this run's words; empty when the stage names nothing."""
        key = stage.effect_key
        if callable(key):
            return str(key(self.params))
        return str(getattr(self, key)()) if key else ""

    @classmethod
    def sites_of(cls, params: Any) -> Sequence[str]:
        """The sites a run with these params works on, for automations whose params say which; else those of `sites`."""
        del params
        return cls.sites

    @classmethod
    def slot_keys(cls, params: Any) -> Mapping[str, int]:
        """What else runs with these params share, such as an account: name → how many attempts may use it at once.

        Operators may set another limit for a name. The names are stored and shown: no secret belongs in them.
        """
        del params
        return {}

    @classmethod
    def problems(cls) -> list[str]:
        """Everything that keeps this definition from running, each as a sentence; empty when it is fine."""
        found = [*cls._identity_problems(), *cls._stage_problems(), *cls._profile_problems()]
        return found + cls._site_problems() + cls._pattern_problems()

    @classmethod
    def _pattern_problems(cls) -> list[str]:
        patterns: Any = cls.redact_patterns  # what its author wrote, whatever that is
        if isinstance(patterns, str) or not all(isinstance(item, str) for item in patterns):
            return ["`redact_patterns` must be a tuple of regular expressions as texts."]
        if len(patterns) > MOST_PATTERNS:
            return [f"`redact_patterns` has {len(patterns)} patterns; up to {MOST_PATTERNS} are allowed."]
        return [f"`redact_patterns`: {problem}" for item in patterns if (problem := problem_of(item))]

    @classmethod
    def _site_problems(cls) -> list[str]:
        found = []
        for site in cls.sites:
            try:
                origin_of(site)
            except ValueError as error:
                found.append(f"`sites`: {error}")
        return found

    @classmethod
    def _identity_problems(cls) -> list[str]:
        found = []
        if not cls.key:
            found.append(f"{cls.__name__} has no `key`; give it a short name such as 'read-invoices'.")
        for schema in ("Params", "State", "Result"):
            model = getattr(cls, schema)
            if not (inspect.isclass(model) and issubclass(model, BaseModel)):
                found.append(f"{schema} must be a pydantic model.")
            elif schema == "State" and any(item.is_required() for item in model.model_fields.values()):
                found.append("State must be complete from the start: give each of its fields a default.")
            elif schema == "Params":
                found += problems_of_secrets(model.model_json_schema())
            elif schema == "State" and has_secrets(model.model_json_schema()):
                found.append("State must hold no secret, for it is kept; each attempt has the params anew.")
        return found

    @classmethod
    def _profile_problems(cls) -> list[str]:
        return [
            f"The browser profile's {part} uses the credential {name!r}, which `credentials` does not list."
            for part, name in cls.profile.undeclared(cls.credentials)
        ]

    @classmethod
    def _stage_problems(cls) -> list[str]:
        stages = cls.stages()
        if not stages:
            return ["It has no stage; mark at least one method with @stage(effect=...)."]
        found = [
            f'Stage {item.name!r} declares no effect; say read, idempotent or commit: @stage(effect="read").'
            for item in stages
            if item.effect is None
        ]
        found += [
            f"Stage {item.name!r} must be an `async def` method."
            for item in stages
            if not inspect.iscoroutinefunction(getattr(cls, item.name))
        ]
        found += [
            f"It signs in again by the stage {item.stage!r}, which it does not have."
            for item in cls.recoveries
            if isinstance(item, SignInAgain) and item.stage not in {known.name for known in stages}
        ]
        if cls.session is not None:
            found += cls.session.problems({item.name: item.effect for item in stages}, cls.credentials)
        found += [problem for item in stages if item.effect_key for problem in cls._key_problems(item)]
        return found + [problem for item in stages if item.instead for problem in cls._plan_b_problems(item)]

    @classmethod
    def _key_problems(cls, item: Stage) -> list[str]:
        found = []
        if item.effect is not Effect.COMMIT:
            found.append(f"Stage {item.name!r} has an effect_key, which counts for commit stages alone.")
        key = item.effect_key
        if isinstance(key, str) and not callable(getattr(cls, key, None)):
            found.append(f"Stage {item.name!r} names {key!r} as its effect_key, which is no method.")
        return found

    @classmethod
    def _plan_b_problems(cls, item: Stage) -> list[str]:
        found = []
        if item.effect is Effect.COMMIT:
            found.append(f"Stage {item.name!r} commits; it cannot be done over by {item.instead!r}.")
        if not inspect.iscoroutinefunction(getattr(cls, item.instead, None)):
            found.append(f"Stage {item.name!r} names {item.instead!r}, which is no `async def` method.")
        return found
