"""Conditions as data: what must be true after a step, and when a step is made at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from webgraph.documents.parts import AnyTarget, Part, Pattern, Text


class Appears(Part):
    """The target is visible."""

    appears: AnyTarget


class Disappears(Part):
    """Nothing that fits the target is visible."""

    disappears: AnyTarget


class Reads(Part):
    """The target's text, or a field's value, fits."""

    reads: AnyTarget
    text: Pattern


class Url(Part):
    """The address fits."""

    url: Pattern


class Requested(Part):
    """The page made a request, after the step began, whose address fits."""

    requested: Pattern
    method: str | None = Field(default=None, pattern="^[A-Z]+$", description="Such as `POST`; else any.")


class Downloads(Part):
    """A download began, after the step began, whose file name fits; an empty text fits every name."""

    downloads: Pattern


class Expression(Part):
    """A JavaScript expression is true in the page. It knows no variables; recordings may hold one."""

    expression: str = Field(min_length=1, max_length=4000)


class Visible(Part):
    """Something that fits the target is visible now. Looking is a step of its own."""

    visible: AnyTarget


class Hidden(Part):
    """Nothing that fits the target is visible now. Looking is a step of its own."""

    hidden: AnyTarget


Comparison = Literal["equals", "not_equals", "in", "contains", "empty", "above", "below"]
COMPARISONS = ("equals", "not_equals", "in", "contains", "empty", "above", "below")


class Compared(Part):
    """A value compares with another in one of these ways."""

    value: Text = Field(description="A variable, such as `{{ params.layout }}`.")
    equals: str | int | float | bool | None = None
    not_equals: str | int | float | bool | None = None
    in_: list[str | int | float | bool] | None = Field(
        default=None, alias="in", description="It is one of these."
    )
    contains: Text | None = Field(default=None, description="The text, or an entry of the list.")
    empty: bool | None = Field(default=None, description="Whether it is empty: no text, no entry, never set.")
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _compares_once(self) -> Compared:
        if len(self.chosen) != 1:
            msg = f"a value needs exactly one of {', '.join(COMPARISONS)}"
            raise ValueError(msg)
        return self

    @property
    def chosen(self) -> list[str]:
        """The comparisons it states."""
        return [name for name in COMPARISONS if ("in_" if name == "in" else name) in self.model_fields_set]


def keyed(**models: type[Part]) -> Any:
    """A union told apart by the key that each of its members needs."""

    def tag(value: Any) -> str | None:
        if isinstance(value, dict):
            return next((f":{name}" for name in models if name in value), None)
        return next((f":{name}" for name, model in models.items() if isinstance(value, model)), None)

    annotated: Any = Annotated  # its members are known at run time only
    union: Any = None
    for name, model in models.items():
        member = annotated[model, Tag(f":{name}")]
        union = member if union is None else union | member
    message = f"this needs one of the keys {', '.join(models)}"
    return Annotated[
        union,
        Discriminator(tag, custom_error_type="no_known_key", custom_error_message=message),
    ]


CONDITIONS: dict[str, type[Part]] = {
    "appears": Appears,
    "disappears": Disappears,
    "reads": Reads,
    "url": Url,
    "requested": Requested,
    "downloads": Downloads,
    "expression": Expression,
}

if TYPE_CHECKING:
    Condition = Appears | Disappears | Reads | Url | Requested | Downloads | Expression
    When = Visible | Hidden | Compared
else:
    Condition = keyed(**CONDITIONS)
    When = keyed(visible=Visible, hidden=Hidden, value=Compared)
