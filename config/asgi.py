"""The ASGI application: `uvicorn config.asgi:application`."""

from __future__ import annotations

import os

from config.env import declare_web_process

declare_web_process()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings  # noqa: E402 - settings depend on the two lines above
from django.core.asgi import get_asgi_application  # noqa: E402 - the same

from config.body_limit import BodyLimit  # noqa: E402 - the same
from config.deadline import Deadline  # noqa: E402 - the same

application = Deadline(
    BodyLimit(get_asgi_application(), most_bytes=settings.BODY_MAX_BYTES),
    seconds=settings.REQUEST_DEADLINE_SECONDS,
)
