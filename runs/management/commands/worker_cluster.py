"""Internal: one cluster of a node's tree, started by the command `worker`."""

from __future__ import annotations

import importlib
from argparse import SUPPRESS
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from automations.services.registry import definitions
from runs.cluster.beats import BeatSender
from runs.cluster.hardened import HardenedCluster
from runs.cluster.kernel import die_with_parent
from runs.cluster.process import Post


class Command(BaseCommand):
    help = "Internal: serve one queue. Start a node with `worker` instead."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", help="The queue to serve; Q_CLUSTER_NAME must name it too.")
        parser.add_argument("--processes", type=int, required=True)
        parser.add_argument("--parent", type=int, required=True, help="Process to end with.")
        parser.add_argument("--node", type=UUID, help="Key of the node's row; none for chores.")
        parser.add_argument("--node-name", default="")
        parser.add_argument("--browser", type=Path, help="Where the node's shared browser is lent.")
        parser.add_argument("--beats", type=int, help=SUPPRESS)
        parser.add_argument("--beat-name", default="", help=SUPPRESS)

    def handle(self, *, queue: str, processes: int, parent: int, **options: Any) -> None:
        die_with_parent(parent)
        post = None
        if options["node"] is not None:
            post = Post(
                node_id=options["node"],
                node_name=options["node_name"],
                queue=queue,
                browser_keeper=options["browser"],
            )
            # Loaded once here, so that every worker process is forked with it.
            importlib.import_module("runs.tasks")
            definitions()
        beat = BeatSender(options["beat_name"], options["beats"])
        raise SystemExit(HardenedCluster(queue=queue, processes=processes, post=post, beat=beat).run())
