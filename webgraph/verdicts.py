"""Turns what an automation was given, returned or raised into the framework's words."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError
from pydantic import BaseModel, ValidationError

from webgraph.errors import (
    AuthError,
    AutomationBugError,
    BadParamsError,
    BadResultError,
    WebGraphError,
)
from webgraph.failures import classify, first_line
from webgraph.files import CONTEXT
from webgraph.flow import NoData
from webgraph.rejected import rejected_rows
from webgraph.secret_values import hiding, secret_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webgraph.files import InputFile
    from webgraph.flow import Automation

_MOST_PROBLEMS = 3


def prepared(
    automation: type[Automation],
    params: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    files: Mapping[str, InputFile],
) -> Automation:
    """An automation ready to run, its params' files among `files`; raises BadParamsError, AuthError or AutomationBugError when it cannot be."""
    problems = automation.problems()
    if problems:
        raise AutomationBugError(f"{automation.__name__} cannot run: {problems[0]}")
    missing = [name for name in automation.credentials if name not in secrets]
    if missing:
        raise AuthError(f"The credential {missing[0]!r} is not set.", permanent=True)
    try:
        valid = automation.Params.model_validate(dict(params), context={CONTEXT: files})
    except ValidationError as error:
        # Without its cause: what pydantic raised holds the params as they were given, secret ones among them.
        raise BadParamsError(
            f"The params do not fit: {_problems_of_params(error, automation, params)}"
        ) from None
    return automation(valid, secrets)


def validated(automation: Automation, value: Any) -> dict[str, Any]:
    """What the last stage returned, as JSON that fits the Result schema; raises BadResultError when it does not."""
    schema = automation.Result
    if schema is NoData and value is None:
        return {}
    given = value.model_dump() if isinstance(value, BaseModel) else value
    try:
        valid = value if isinstance(value, schema) else schema.model_validate(given)
        return valid.model_dump(mode="json")
    except ValidationError as error:
        rows = rejected_rows(error, given)
        raise BadResultError(f"The result does not fit: {_problems(error)}", rejected=rows) from error


def failure_of(error: BaseException, automation: Automation) -> WebGraphError:
    """What a stage raised, in the taxonomy: data that did not fit is a bad result, anything unknown is a bug."""
    if isinstance(error, WebGraphError):
        return error
    if isinstance(error, PlaywrightError | TimeoutError):
        return classify(error, proxied=automation.profile.proxy is not None)
    if isinstance(error, ValidationError):
        words = f"What was read does not fit {error.title}: {_problems(error)}"
        return BadResultError(words, rejected=rejected_rows(error))
    words = first_line(error)
    name = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return AutomationBugError(f"The automation's code failed: {name}{_place(error, automation)}.")


def _place(error: BaseException, automation: Automation) -> str:
    """Where in the automation's own code it happened; the file's name only, as paths are nobody's business."""
    own = {inspect.getsourcefile(owner) for owner in type(automation).__mro__[:-1] if _is_own(owner)}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    if not frames:
        return ""
    last = frames[-1]
    return f" (in {last.name}, {Path(last.filename).name} line {last.lineno}: {last.line})"


def _is_own(owner: type) -> bool:
    return not owner.__module__.startswith(("webgraph.flow", "builtins"))


def _problems_of_params(
    error: ValidationError, automation: type[Automation], params: Mapping[str, Any]
) -> str:
    """As `_problems`, where a validator of the automation's own may have repeated what is secret."""
    schema = automation.Params.model_json_schema()
    secret = secret_names(schema)
    wrong = sorted({str(entry["loc"][0]) for entry in error.errors() if entry["loc"]} & secret)
    if wrong:
        return "; ".join(f"{name}: it does not fit" for name in wrong)
    return hiding(schema, params).text(_problems(error))


def _problems(error: ValidationError) -> str:
    """The first few problems, without the input that caused them: it may be long, or secret."""
    entries = error.errors(include_url=False, include_input=False)
    shown = [
        f"{'.'.join(str(part) for part in entry['loc']) or 'all'}: {entry['msg']}"
        for entry in entries[:_MOST_PROBLEMS]
    ]
    more = f" and {len(entries) - _MOST_PROBLEMS} more" if len(entries) > _MOST_PROBLEMS else ""
    return "; ".join(shown) + more
