"""`python -m benchmarks._chaos.prepare`: the sign-in the site's automations need, and an API key, printed."""

from __future__ import annotations

import os
import sys

import django

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME


def main() -> None:
    """Set the credential and issue a key."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"  # noqa: TID251 - this program is its own entry point
    django.setup()
    from automations.services.credentials import Binding, set_credential  # noqa: PLC0415 - its models need the settings
    from config.local import issuing  # noqa: PLC0415 - the same

    anywhere = Binding(any_site=True)  # each run names the address of its own practice site
    shop = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}
    set_credential(name="practice-shop", fields=shop, binding=anywhere, actor="command")
    sys.stdout.write(issuing.issue_key())


if __name__ == "__main__":
    main()
