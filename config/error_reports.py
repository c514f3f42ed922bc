"""What Django's reports of an exception leave out: everything somebody may have sent us in confidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter

if TYPE_CHECKING:
    from types import FrameType

    from django.http import HttpRequest


class ReportFilter(SafeExceptionReporterFilter):
    """Masks cookies, form values and credentials in each report; outside development it shows no local variable at all.

    Django's own filter masks only what a view marked as sensitive, and only where DEBUG is off.
    """

    hidden_settings = re.compile(
        r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|DATABASES|EMAIL_HOST|STORAGES|VISION|CSRF",
        flags=re.IGNORECASE,
    )

    def is_active(self, _request: HttpRequest | None) -> bool:
        """Always, in development too: its pages are copied into issues."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, str]:
        """The names of the form's fields."""
        return {} if request is None else dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, str]:
        """The names of the cookies."""
        return dict.fromkeys(getattr(request, "COOKIES", {}), self.cleansed_substitute)

    def get_traceback_frame_variables(
        self, _request: HttpRequest | None, tb_frame: FrameType
    ) -> Any:  # pairs of name and value; the stubs want a view of a dict
        """In development the variables whose names are no secret's; else none."""
        if not settings.DEBUG:
            return []
        return [(name, self.cleanse_setting(name, value)) for name, value in tb_frame.f_locals.items()]
