"""`python -P swift_process.py FOLDER PORT KEY SECRET REGION`: OpenStack Swift with its S3 face, whole, in one process.

One replica on one device, which is a folder; its four servers share a process, as in Swift's own functional tests, for
that starts in about two seconds. Nothing of this project is imported here: eventlet replaces the standard sockets.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import eventlet
import eventlet.wsgi
from swift.common import utils

if TYPE_CHECKING:
    import socket

_BACKENDS = ("account", "container", "object")
_SWIFT = """
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = only
default = yes
"""
_BACKEND = """
[DEFAULT]
devices = {folder}/devices
swift_dir = {folder}
mount_check = false
disable_fallocate = true
[app:main]
use = egg:swift#{name}
"""
_PROXY = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
"""


def main(folder: Path, port: int, key: str, secret: str, region: str) -> None:
    """Serve until a signal ends the process; what was stored lies in the folder, for the next start too.

    `key` is an account and a user, with a colon between.
    """
    utils.monkey_patch()
    utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
    (folder / "swift.conf").write_text(_SWIFT)
    (folder / "devices" / "disk").mkdir(parents=True, exist_ok=True)
    # Imported now: both read swift.conf when they are imported.
    from swift.common.ring import RingBuilder  # noqa: PLC0415

    listeners = {name: eventlet.listen(("127.0.0.1", 0)) for name in _BACKENDS}
    for name, listener in listeners.items():
        builder = RingBuilder(1, 1, 0)
        place = {"ip": "127.0.0.1", "port": listener.getsockname()[1], "device": "disk"}
        builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, **place})
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{name}.ring.gz"))
        _serve(folder, name, _BACKEND.format(folder=folder, name=name), listener)
    account, user = key.split(":")
    proxy = _PROXY.format(folder=folder, region=region, account=account, user=user, secret=secret)
    _serve(folder, "proxy", proxy, eventlet.listen(("127.0.0.1", port))).wait()


def _serve(folder: Path, name: str, text: str, listener: socket.socket) -> eventlet.greenthread.GreenThread:
    # As above. Swift's own `run_server` would exchange the event loop below the servers started before.
    from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: PLC0415

    file = folder / f"{name}-server.conf"
    file.write_text(text)
    return eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        loadapp(str(file), {"log_name": name}),
        logging.getLogger("requests"),
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,  # S3's clients look for "ETag"
        log_output=False,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
