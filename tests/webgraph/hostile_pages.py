"""A site whose every page means harm, on a server of its own."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIVE_GIGABYTES = 5_000_000_000
_PIECE = b"x" * 65536
_PIECE_SECONDS = (
    0.002  # so fast that a limit is reached soon, and so slow that nobody's machine is full before
)
_SLOW_SECONDS = 1.5
_HEAD = "<!doctype html><title>Harm</title><h1>Welcome</h1>"

PAGES = {
    "popups": "<script>while (true) open('/plain')</script>",
    "popups-one-by-one": "<script>setInterval(() => open('/plain', '_blank', 'noopener'), 50)</script>"
    "<img src=/never.png>",
    "alerts": "<script>while (true) alert('Please call this number')</script>",
    "prompts-on-leaving": "<script>onbeforeunload = () => 'stay'; while (true) prompt('Your name?', 'x')</script>",
    "script-redirects": "<script>location = '/script-redirects?' + Math.random()</script>",
    "meta-redirects": "<meta http-equiv=refresh content='0; url=/meta-redirects'>",
    "frozen": "<script>while (true);</script>",
    "huge-dom": "<script>document.body.innerHTML = '<b>x</b>'.repeat(100000)</script>",
    "million-nodes": "<script>document.body.innerHTML = '<b>x</b>'.repeat(1000000)</script>",
    "deep-dom": "<script>let at = document.body; for (let i = 0; i < 20000; i++) "
    "at = at.appendChild(document.createElement('div'))</script>",
    "download": "<iframe src=/five-gigabytes></iframe><img src=/slow.png>",
    "endless-download": "<iframe src=/endless-file></iframe><img src=/slow.png>",
    "made-downloads": "<script>const file = new Blob(['x'.repeat(3e6)]); for (let i = 0; i < 3; i++) Object.assign("
    "document.createElement('a'), {href: URL.createObjectURL(file), download: 'made'}).click()</script>"
    "<img src=/slow.png>",
    "endless-answer": "<script>fetch('/endless').then(answer => answer.blob())</script><img src=/slow.png>",
    "console": "<script>for (let i = 0; i < 3000; i++) console.log('x'.repeat(200))</script>",
    "long-console": "<script>for (let i = 0; i < 5; i++) console.log('x'.repeat(5e6))</script>",
    "title": "<script>document.title = 'x'.repeat(5e6)</script>",
    "name": "<script>name = 'x'.repeat(5e7)</script>",
    "history": "<script>for (let i = 0; i < 300; i++) try { history.pushState(i, '', '/' + 'x'.repeat(1e5) + i) } "
    "catch { break }</script>",
    "beforeunload": "<script>onbeforeunload = event => event.preventDefault()</script>",
    "permissions": "<input type=file><script>print(); Notification.requestPermission(); "
    "navigator.geolocation.getCurrentPosition(() => 0); navigator.clipboard?.readText().catch(() => 0); "
    "document.documentElement.requestFullscreen().catch(() => 0); document.querySelector('input').click(); "
    "self.showOpenFilePicker?.().catch(() => 0); navigator.mediaDevices?.getUserMedia({audio: true}).catch(() => 0)"
    "</script>",
    "giant-canvas": "<canvas width=8192 height=8192></canvas><script>"
    "document.querySelector('canvas').getContext('2d').fillRect(0, 0, 8192, 8192)</script>",
    "cookies": "<script>for (let i = 0; i < 150; i++) document.cookie = `c${i}=${'x'.repeat(4000)}`</script>"
    "<img src=/plain>",
    "service-worker": "<script>navigator.serviceWorker.register('/worker.js')</script><img src=/slow.png>",
    "memory": "<script>const kept = []; setInterval(() => kept.push(new Uint8Array(3e7).fill(1)), 10)</script>"
    "<img src=/never.png>",
    "lies-about-itself": "<script>for (const one of [Document, Element, Node]) for (const name of "
    "['documentElement', 'outerHTML', 'innerHTML']) if (name in one.prototype) Object.defineProperty(one.prototype, "
    "name, {get: () => 'nothing to see'}); JSON.stringify = Array.prototype.map = () => { throw 'no' }</script>",
    "plain": "<p>nothing</p>",
    "worker.js": "onfetch = event => event.respondWith(new Response('from the worker'))",
}


class HostileSite(ThreadingHTTPServer):
    """What was asked for, how much was sent, and how many answers are still being sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = threading.Event()
        self.hits: Counter[str] = Counter()
        self.sent_bytes: Counter[str] = Counter()
        self.sending: Counter[str] = Counter()

    @property
    def host_and_port(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host_and_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HostileSite

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.server.hits[path] += 1
        own = getattr(self, f"_{path.replace('-', '_').replace('.', '_')}", None)
        if own is not None:
            own()
        else:
            kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
            self._answer((("" if path.endswith(".js") else _HEAD) + PAGES.get(path, "")).encode(), kind)

    def _answer(self, body: bytes, kind: str = "text/html", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _redirects(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"/redirects?{self.server.hits['redirects']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _five_gigabytes(self) -> None:
        headers = {"Content-Disposition": "attachment; filename=all", "Content-Length": str(FIVE_GIGABYTES)}
        self._pour(headers)

    def _endless_file(self) -> None:
        self._pour({"Content-Disposition": "attachment; filename=all"})

    def _endless(self) -> None:
        self._pour({"Content-Type": "text/plain"})

    def _endless_page(self) -> None:
        self._pour({"Content-Type": "text/html"}, b"<!--" + _PIECE + b"-->")

    def _slow_png(self) -> None:
        """Gives what the page does the time to go wrong before the page has loaded."""
        self.server.over.wait(_SLOW_SECONDS)
        self._answer(b"", "image/png")

    def _never_png(self) -> None:
        self.server.over.wait(60)

    def _gzip_bomb(self) -> None:
        self._answer(gzip.compress(b"<!-- nothing -->" * 2_000_000), Content_Encoding="gzip")

    def _broken_gzip(self) -> None:
        self._answer(b"\x1f\x8b\x08nonsense", Content_Encoding="gzip")

    def _encoding(self) -> None:
        self._answer(
            b"<title>\xff\xfe\x00\xd8</title>" + bytes(range(256)) * 100, "text/html; charset=utf-16"
        )

    def _long_headers(self) -> None:
        self._answer(b"x", X_Long="x" * 900_000)

    def _pour(self, headers: dict[str, str], piece: bytes = _PIECE) -> None:
        path = self.path.strip("/")
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.server.sending[path] += 1
        try:
            while not self.server.over.is_set():
                self.wfile.write(piece)
                self.server.sent_bytes[path] += len(piece)
                self.server.over.wait(_PIECE_SECONDS)
        finally:
            self.server.sending[path] -= 1
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the browser went away, as it should

    def log_message(self, *words: object) -> None:
        """Nobody reads it."""


@contextmanager
def hostile_site() -> Iterator[HostileSite]:
    site = HostileSite()
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        site.shutdown()
        site.server_close()
        thread.join(10)
