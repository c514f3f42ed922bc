"""`python -m tests.runs.faults.prepare`: give a fresh system its credentials, and print an API key for it."""

from __future__ import annotations

import json
import os
import sys

import django

from webgraph.practice_site.accounts import DEMO_USERNAME


def main() -> None:
    """Set the credentials of RIG_SECRETS and issue a key."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"  # noqa: TID251 - this program is its own entry point
    secrets = json.loads(os.environ["RIG_SECRETS"])  # noqa: TID251 - the same
    django.setup()
    from automations.services.credentials import Binding, set_credential  # noqa: PLC0415 - its models need the settings
    from config.local import issuing  # noqa: PLC0415 - the same

    anywhere = Binding(any_site=True)  # each run names the address of its own practice site
    shop = {"username": DEMO_USERNAME, "password": secrets["password"]}
    set_credential(name="practice-shop", fields=shop, binding=anywhere, actor="command")
    set_credential(
        name="canary", fields={"username": DEMO_USERNAME, **secrets}, binding=anywhere, actor="command"
    )
    sys.stdout.write(issuing.issue_key())


if __name__ == "__main__":
    main()
