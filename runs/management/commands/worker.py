"""A node: everything this machine needs to execute attempts."""

from __future__ import annotations

import os
import socket
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from automations.services.registry import register_python_automations
from infra_shared.database import when_reachable
from infra_shared.ids import random_token
from runs.cluster.chores_sync import sync_chores
from runs.cluster.code_watch import CodeWatch, code_folders
from runs.cluster.node import Ending, NodeParts, NodeTree
from runs.services import nodes

if TYPE_CHECKING:
    from runs.models import Node

DATABASE_WITHIN = timedelta(minutes=10)
_log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Start a node: worker processes for each queue, the dispatcher, chores and a watchdog. SIGTERM or Ctrl-C lets "
        "running attempts end and leaves; a second one leaves at once."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes", type=int, default=settings.WORKER_PROCESSES, help="Worker processes a queue."
        )
        parser.add_argument(
            "--queues", default=",".join(settings.WORKER_QUEUES), help="Queues to serve, with commas."
        )
        parser.add_argument(
            "--no-dispatcher", action="store_true", help="Leave the dispatcher to other nodes."
        )
        parser.add_argument("--no-chores", action="store_true", help="Leave housekeeping to other nodes.")
        parser.add_argument(
            "--reload", action="store_true", help="Development: start anew when the code changes."
        )

    def handle(self, **options: Any) -> None:
        queues = [name for name in options["queues"].split(",") if name]
        if not queues or settings.CHORES_QUEUE in queues or options["processes"] < 1:
            raise CommandError(f"Name at least one queue (not {settings.CHORES_QUEUE!r}) and one process.")
        parts = NodeParts(
            queues=queues,
            processes=options["processes"],
            dispatcher=not options["no_dispatcher"],
            chores=not options["no_chores"],
        )
        node = when_reachable(lambda: _register(parts), up_to=DATABASE_WITHIN)
        connections.close_all()
        code_watch = CodeWatch(code_folders()) if options["reload"] else None
        if code_watch is not None:
            code_watch.start()
        ending = NodeTree(node, parts, code_watch=code_watch).run()
        if ending is Ending.NEW_CODE:
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very command, on new code
        raise SystemExit(ending.exit_code)


def _register(parts: NodeParts) -> Node:
    versions = register_python_automations(live_digests=nodes.live_versions())
    if parts.chores:
        sync_chores()
    name = f"{socket.gethostname()}-{random_token(6).lower()}"
    node = nodes.register_node(name=name, pid=os.getpid(), queues=parts.queues, versions=versions)
    _log.info(
        "node_started", node=name, queues=parts.queues, processes=parts.processes, automations=len(versions)
    )
    return node
