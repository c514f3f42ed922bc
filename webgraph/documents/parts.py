"""What the parts of a document have in common: no unknown keys, names that are names, texts with variables."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetJsonSchemaHandler, RootModel, Tag
from pydantic_core import CoreSchema  # noqa: TC002 - pydantic reads the signature

from webgraph.target import Target

NAME = r"^[a-z][a-z0-9_]*$"
KEY = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Name = Annotated[
    str,
    Field(pattern=NAME, max_length=60, description="Lower-case letters, digits and underscores."),
]
Key = Annotated[
    str,
    Field(pattern=KEY, max_length=100, description="Lower-case words joined by hyphens."),
]
Text = Annotated[str, Field(description="May hold variables, such as `{{ params.city }}`.")]
Seconds = Annotated[float, Field(gt=0, le=3600)]

_SEVERAL = ("css", "test_id", "text", "xpath")


class Part(BaseModel):
    """Base of every part of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetName(RootModel[str]):
    """The name of a target described under `targets`."""

    model_config = ConfigDict(frozen=True)
    root: str = Field(pattern=NAME)


class TargetData(Target):
    """One thing on a page, in up to three representations. The DOM tier reads `css`, `test_id`, `text` and `xpath`,
    each one selector or several in order of preference; the accessibility tier `role` with `name`, `label` and
    `landmark`; the vision tier `visible_text`, `near` and `description`. Its texts may hold variables.
    """  # noqa: D205 - the published schema shows it as one paragraph

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema people write by: one selector may stand without a list around it."""
        schema = handler.resolve_ref_schema(handler(core))
        for name in _SEVERAL:
            shown = schema["properties"][name]
            schema["properties"][name] = {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "title": shown.get("title", name),
            }
        return schema


def _target_tag(value: Any) -> str:
    return ":name" if isinstance(value, str | TargetName) else ":target"


AnyTarget = Annotated[
    Annotated[TargetName, Tag(":name")] | Annotated[TargetData, Tag(":target")],
    Discriminator(_target_tag),
    Field(description="A name from `targets`, or a description of its own."),
]


class Matches(Part):
    """A regular expression to be found in the text. Values of variables in it stand for themselves."""

    matches: Text


def _pattern_tag(value: Any) -> str:
    return ":text" if isinstance(value, str) else ":matches"


Pattern = Annotated[
    Annotated[Text, Tag(":text")] | Annotated[Matches, Tag(":matches")],
    Discriminator(_pattern_tag),
    Field(description="A text that must be contained, or `matches` with a regular expression."),
]
