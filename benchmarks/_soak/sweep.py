"""`python -m benchmarks._soak.sweep`: the product's own sweep of orphans, as if their grace had passed; prints how many went.

What a killed process had put into the store before its row was written is an orphan rightly, until the grace is over.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    """Sweep every shelf."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"  # noqa: TID251 - this program is its own entry point
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - read after the set-up

    from infra_shared.database import database_now  # noqa: PLC0415 - its models need the settings
    from infra_shared.retention import Order  # noqa: PLC0415 - the same
    from infra_shared.services.orphans import sweep_orphans  # noqa: PLC0415 - the same

    order = Order(now=database_now() + settings.ORPHAN_GRACE, actor="command")
    removed = sum(line.rows for batch in sweep_orphans(order) for line in batch)
    sys.stdout.write(str(removed))


if __name__ == "__main__":
    main()
