"""`python -m tests.support.look_at_console PATH …`: what the console answers an operator, as JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from typing import Any

import django


async def _answer(client: Any, path: str) -> dict[str, Any]:
    response = await client.get(path)
    body = b"".join([piece async for piece in response]) if response.streaming else response.content
    digest = hashlib.sha256(body).hexdigest()
    return {"status": response.status_code, "text": body.decode(errors="replace"), "sha256": digest}


async def _look(client: Any, paths: list[str]) -> dict[str, dict[str, Any]]:
    return {path: await _answer(client, path) for path in paths}


def main(paths: list[str]) -> None:
    """Look at each path and print the answers."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # noqa: TID251 - Django's own variable: one thread, one client
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - Django must be set up first
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - the same
    from django.test import AsyncClient  # noqa: PLC0415 - the same

    settings.ALLOWED_HOSTS = ["testserver"]
    users = get_user_model().objects
    operator = users.filter(is_superuser=True).first() or users.create_superuser("visitor", password="x" * 20)
    client = AsyncClient()
    client.force_login(operator)
    sys.stdout.write(json.dumps(asyncio.run(_look(client, paths))))


if __name__ == "__main__":
    main(sys.argv[1:])
