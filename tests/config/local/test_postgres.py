"""Throw-away PostgreSQL servers: they keep their data through faults and vanish with their starter."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from config.local.postgres import PostgresServer

pytestmark = pytest.mark.postgres


def connect(server: PostgresServer) -> psycopg.Connection:
    return psycopg.connect(host=str(server.folder), user="orchestrator", dbname="postgres")


@pytest.mark.parametrize("fault", ["stop", "kill"])
def test_committed_rows_survive_a_stopped_and_a_killed_server(
    postgres_server: PostgresServer, fault: str
) -> None:
    with connect(postgres_server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()
        connection.execute("CHECKPOINT")

    getattr(postgres_server, fault)()
    postgres_server.start()

    with connect(postgres_server) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_stopped_server_refuses_connections(postgres_server: PostgresServer) -> None:
    postgres_server.stop()

    with pytest.raises(psycopg.OperationalError):
        connect(postgres_server)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_server_ends_when_its_starter_is_killed() -> None:
    starter = """
        import time
        from config.local.postgres import PostgresServer
        server = PostgresServer()
        server.start()
        print(server.folder, flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(starter)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        process.send_signal(signal.SIGKILL)

    wait_until(lambda: not psutil.pid_exists(server), what="the server's end")
    subprocess.run(["rm", "-r", str(folder)], check=True)
