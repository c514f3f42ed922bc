"""The process of a node that keeps the browser its worker processes share (`webgraph.browser.keeper`).

`python -m runs.cluster.browser_keeper ORDER`, free of Django and of the database; the order is `KeeperOrder` as JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from infra_shared.logging import configure_logging
from runs.cluster.beats import BeatSender
from runs.cluster.kernel import dying_with_this_process, settle_as_child
from webgraph.browser import folders
from webgraph.browser.keeper import BrowserKeeper
from webgraph.browser.locate import locate
from webgraph.browser.recycling import RecyclePolicy
from webgraph.browser.server import BrowserServer

if TYPE_CHECKING:
    from collections.abc import Sequence

BEAT_SECONDS = 1.0
NAME = "browser-keeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperOrder:
    """What the process is told. Nothing in it is secret: everybody on the machine can read it.

    Attributes:
        listener: descriptor of the Unix socket that worker processes connect to.
        beats: descriptor of the socket for signs of life.
        executable: the only browser to consider; empty looks for one.
    """

    parent_pid: int
    listener: int
    beats: int
    executable: str
    attempts: int
    age_seconds: float
    memory_bytes: int
    page_memory_bytes: int
    log_level: str
    log_json: bool

    def as_argument(self) -> str:
        """The order as it is written on the command line."""
        return json.dumps(asdict(self))


def main(arguments: Sequence[str]) -> int:
    """Keep the browser until told to stop by SIGTERM."""
    order = KeeperOrder(**json.loads(arguments[0]))
    settle_as_child(order.parent_pid)
    configure_logging(level=order.log_level, json=order.log_json)
    folders.sweep()
    asyncio.run(_keep(order))
    return 0


async def _keep(order: KeeperOrder) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    policy = RecyclePolicy(
        attempts=order.attempts,
        age=timedelta(seconds=order.age_seconds),
        memory_bytes=order.memory_bytes,
        page_memory_bytes=order.page_memory_bytes,
    )

    async def start() -> BrowserServer:
        executable = await asyncio.to_thread(locate, order.executable or None)
        return await BrowserServer.start(executable, before_exec=dying_with_this_process())

    beating = asyncio.create_task(_beat(BeatSender(NAME, order.beats)))
    try:
        await BrowserKeeper(start, policy).serve(socket.socket(fileno=order.listener), stop)
    finally:
        beating.cancel()


async def _beat(sender: BeatSender) -> None:
    while True:
        sender.send()
        await asyncio.sleep(BEAT_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
