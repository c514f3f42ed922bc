"""The dispatcher by itself: a node starts one; more may run anywhere."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from runs.cluster.kernel import die_with_parent
from runs.dispatcher import run_dispatcher

if TYPE_CHECKING:
    from types import FrameType


class Command(BaseCommand):
    help = "Turn due schedules into runs and due attempts into tickets, until SIGTERM. Any number may run."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parent", type=int, help="Process to end with.")
        parser.add_argument("--node", type=UUID, help="The node it belongs to.")

    def handle(self, *, parent: int | None, node: UUID | None, **_: Any) -> None:
        if parent is not None:
            die_with_parent(parent)
        signals: list[int] = []

        def note(number: int, _frame: FrameType | None) -> None:
            signals.append(number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, note)
        run_dispatcher(stopping=lambda: bool(signals), node_id=node)
