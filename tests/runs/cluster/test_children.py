"""A child of a node's outermost process, seen from outside."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import psutil

from config.env import BASE_DIR

START_A_CHILD = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from runs.cluster.children import Child

    child = Child("idle", lambda _: [sys.executable, "-c", "import time; time.sleep(600)"], Path.cwd())
    child.start()
    print(child._process.pid, flush=True)
    time.sleep(600)
""")


def test_a_child_that_knows_nothing_of_its_parent_yet_ends_with_it_all_the_same():
    command = [sys.executable, "-c", START_A_CHILD]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(next(line for line in parent.stdout if line.strip().isdigit())))

        parent.kill()

        assert psutil.wait_procs([child], timeout=10)[1] == []
