"""A Target describes one thing on a page in up to three representations, cheapest first."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class Target(BaseModel):
    """One thing to act on. At least one representation is needed; each tier reads only its own fields.

    DOM tier: `css`, `test_id`, `text`, `xpath`, each one selector or several in order of preference. Accessibility
    tier: `role` with `name`, `label`, `landmark`, `ordinal`. Vision tier: `visible_text`, else `description`, else
    `position`, each `near` another visible text where that is given.
    `frame` is the CSS selector of the iframe the thing lives in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    css: tuple[str, ...] = ()
    test_id: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    xpath: tuple[str, ...] = ()
    frame: str | None = None

    role: str | None = None
    name: str | None = None
    label: str | None = None
    landmark: str | None = None
    ordinal: int | None = Field(
        default=None, ge=1, description="Which of several that share role, name and landmark, counted from 1."
    )

    visible_text: str | None = None
    near: str | None = Field(
        default=None,
        description="A visible text beside, above or below it, which tells it from others like it.",
    )
    description: str | None = Field(
        default=None, description="What it looks like, for a model; used where there is no `visible_text`."
    )
    position: tuple[Share, Share] | None = Field(
        default=None,
        description="Where its middle is in the visible area, as shares of its width and height (0 to 1).",
    )

    called: str = Field(default="", description="What people call it, for step titles and error messages.")

    @field_validator("css", "test_id", "text", "xpath", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _describes_something(self) -> Self:
        if not (self.has_dom or self.has_axtree or self.has_vision):
            msg = (
                "A target needs at least one of css, test_id, text, xpath, role, label, visible_text, description "
                "or position."
            )
            raise ValueError(msg)
        return self

    @property
    def has_dom(self) -> bool:
        """Whether the DOM tier has anything to go by."""
        return bool(self.css or self.test_id or self.text or self.xpath)

    @property
    def has_axtree(self) -> bool:
        """Whether the accessibility tier has anything to go by."""
        return bool(self.role or self.label)

    @property
    def has_vision(self) -> bool:
        """Whether the vision tier has anything to go by."""
        return bool(self.visible_text or self.description or self.position)

    def __str__(self) -> str:
        """What people would call it: the given name, else the most human of its representations."""
        human = (self.called, self.name, self.label, self.visible_text, *self.text, *self.test_id)
        quoted = next((f"“{word}”" for word in human if word), "")
        plain = (*self.css, *self.xpath, self.role, self.description, f"the point {self.position}")
        return quoted or next(word for word in plain if word)

    def as_json(self) -> dict[str, Any]:
        """The target as stored with a step: only what was said."""
        return self.model_dump(mode="json", exclude_defaults=True)
