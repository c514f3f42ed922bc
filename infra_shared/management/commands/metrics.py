"""`manage.py metrics show|reference`: the figures, and the page that explains them."""

from __future__ import annotations

from typing import Any

from infra_shared.exposition import exposition, reference
from infra_shared.nouns import NounCommand


class Command(NounCommand):
    help = "Show what is measured."

    def do_show(self, **_: Any) -> None:
        """Print every figure as it is now, in Prometheus' text format."""
        self.stdout.write(exposition().decode(), ending="")

    def do_reference(self, **_: Any) -> None:
        """Print docs/metrics.md."""
        self.stdout.write(reference(), ending="")
