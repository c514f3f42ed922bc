"""The ASGI application: `uvicorn config.asgi:application`."""

from __future__ import annotations

import os

from config.env import declare_web_process

declare_web_process()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application  # noqa: E402 - settings depend on the two lines above

application = get_asgi_application()
