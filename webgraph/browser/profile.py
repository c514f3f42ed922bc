"""How the browser presents itself to a site."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Viewport(BaseModel):
    """The visible area of a page, in CSS pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=1280, ge=200, le=7680)
    height: int = Field(default=800, ge=200, le=4320)


class BrowserProfile(BaseModel):
    """What an automation declares about its browser; recorded with each attempt.

    Everything left out is the browser's own default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: str | None = None
    timezone: str | None = None
    viewport: Viewport = Viewport()
    user_agent: str | None = None
    extra_headers: dict[str, str] = Field(default_factory=dict)

    def context_options(self) -> dict[str, Any]:
        """The profile in the words of Playwright's `new_context`."""
        options: dict[str, Any] = {
            "viewport": {"width": self.viewport.width, "height": self.viewport.height},
            "accept_downloads": True,
        }
        named = {
            "locale": self.locale,
            "timezone_id": self.timezone,
            "user_agent": self.user_agent,
            "extra_http_headers": self.extra_headers or None,
        }
        return options | {name: value for name, value in named.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """The profile as recorded with an attempt: only what was declared, plus the viewport."""
        return self.model_dump(mode="json", exclude_none=True)
