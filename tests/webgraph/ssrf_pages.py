"""A page that tries every way it has to reach a place of this network, and listeners that count what arrives."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each way is tried at a place of its own name in the path; nothing of it has to answer for the page to go on.
EVERYWHERE = """<body><script>
const to = new URLSearchParams(location.search).get('to'), at = way => `http://${to}/${way}`;
const loads = (tag, key, way, more) => new Promise(done => {
  const part = Object.assign(document.createElement(tag), more, {[key]: at(way), onload: done, onerror: done});
  document.body.append(part); });
const told = target => new Promise(done => { target.onmessage = target.onerror = done; });
const socket = new WebSocket(`ws://${to}/socket`), secure = new WebSocket(`wss://${to}/secure-socket`);
const closed = one => new Promise(done => { one.onclose = one.onerror = done; });
const events = new EventSource(at('events'));
const worker = new Worker('/worker.js?to=' + to), shared = new SharedWorker('/shared.js?to=' + to);
const served = navigator.serviceWorker.register('/service.js?to=' + to).then(async () => {
  const own = await navigator.serviceWorker.ready; own.active.postMessage('go'); return told(navigator.serviceWorker); });
const hint = rel => document.head.append(Object.assign(document.createElement('link'), {rel, href: at(rel)}));
['prefetch', 'preconnect', 'dns-prefetch', 'icon', 'manifest', 'modulepreload'].forEach(hint);
navigator.sendBeacon(at('beacon'), 'x');
Promise.allSettled([fetch(at('fetch')), fetch(at('post'), {method: 'POST', mode: 'no-cors', body: 'x'}),
  fetch('/leads?to=' + encodeURIComponent(at('redirect')), {mode: 'no-cors'}),
  loads('img', 'src', 'picture'), loads('script', 'src', 'script'), loads('link', 'href', 'style', {rel: 'stylesheet'}),
  closed(socket), closed(secure), new Promise(done => { events.onerror = done; }), told(worker), told(shared.port), served,
]).then(() => document.body.insertAdjacentHTML('beforeend', '<p id=done>done</p>'));
</script>"""
_TRIES = "const to = new URLSearchParams(location.search).get('to');"
WORKER = _TRIES + "fetch(`http://${to}/worker`).finally(() => postMessage(1)).catch(() => 0);"
SHARED = _TRIES + "onconnect = e => fetch(`http://${to}/shared`).catch(() => e.ports[0].postMessage(1));"
SERVICE = (
    _TRIES + "onactivate = e => e.waitUntil(clients.claim());"
    "onmessage = e => fetch(`http://${to}/service`).catch(() => e.source.postMessage(1));"
)
UDP = """<p id=done hidden></p><script>
const to = new URLSearchParams(location.search).get('to'), done = document.getElementById('done');
const peer = new RTCPeerConnection({iceServers: [{urls: 'stun:' + to}]});
peer.createDataChannel('x');
const gathered = new Promise(complete => peer.onicegatheringstatechange = () => {
  if (peer.iceGatheringState == 'complete') complete(); });
peer.createOffer().then(offer => peer.setLocalDescription(offer));
const transported = new WebTransport('https://' + to + '/').ready.catch(error => { done.textContent = error.name; });
Promise.all([gathered, transported]).then(() => { done.hidden = false; });</script>"""
_ONE_WAY = {
    "location": "<script>location = {}</script>",
    "meta": "<script>document.write('<meta http-equiv=refresh content=\"0; url=' + {} + '\">')</script>",
    "form": "<form method=post></form><script>document.forms[0].action = {}; document.forms[0].submit()</script>",
    "frame": "<iframe></iframe><script>document.querySelector('iframe').src = {}</script>",
    "redirect": "<script>location = '/leads?to=' + encodeURIComponent({})</script>",
}
NAVIGATIONS = tuple(_ONE_WAY)
_SCRIPTS = {"/worker.js": WORKER, "/shared.js": SHARED, "/service.js": SERVICE}
_PAGES = {"/everywhere": EVERYWHERE, "/udp": UDP, "/": "<p id=here>here</p>"} | {
    f"/{name}": body.replace("{}", "new URLSearchParams(location.search).get('to')")
    for name, body in _ONE_WAY.items()
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/leads":
            self.send_response(307)
            self.send_header("Location", parse_qs(parts.query)["to"][0])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        script = _SCRIPTS.get(parts.path)
        body = (script or _PAGES.get(parts.path, "")).encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method it replaces
        """Nothing: the listener is what is looked at."""


@contextmanager
def attacking(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Host and port of a server with the pages."""
    server = ThreadingHTTPServer((host, port), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Listener:
    """Takes connections, says nothing, and remembers that each came."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.place = f"{host}:{self.port}"
        self.arrived: list[bytes] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return  # closed by the test's end
            with taken:
                taken.settimeout(0.5)
                try:
                    self.arrived.append(taken.recv(200))
                except OSError:
                    self.arrived.append(b"")

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
