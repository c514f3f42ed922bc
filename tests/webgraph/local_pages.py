"""Small pages on a local server, each made to show one thing."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.waiting import wait_until
from tests.webgraph import canary_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

FORM = """<h1>Form</h1>
<label>Name <input id=name></label> <label>Password <input id=password type=text></label>
<select id=size><option value=s>Small<option value=l>Large</select>
<input id=agree type=checkbox> <input id=file type=file hidden>
<button id=send onclick="document.getElementById('said').textContent =
  [document.getElementById('name').value, document.getElementById('size').value,
   document.getElementById('agree').checked, document.getElementById('file').files.length].join(' ')">Send</button>
<p id=said></p>
<button id=ask onclick="document.getElementById('said').textContent = confirm('Sure?')">Ask</button>
<button id=nothing>Nothing</button>"""

PARTS = """<h1>Parts</h1>
<iframe id=inner src=/inside width=300 height=80></iframe>
<shop-box></shop-box>
<script>customElements.define('shop-box', class extends HTMLElement { connectedCallback() {
  this.attachShadow({mode: 'open'}).innerHTML = '<button id=deep>Deep</button>'; } });</script>
<table id=people><thead><tr><th>Name<th>Age</thead><tbody><tr><td>Ada<td>36<tr><td>Bob<td>41</tbody></table>
<a id=popup href=/inside target=_blank rel=opener>Popup</a> <a id=file href=/file.csv>File</a>
<button class=twice>One</button><button class=twice>Two</button>
<button id=hidden hidden>Hidden</button> <button id=off disabled>Off</button>
<button id=covered>Covered</button>
<div style="position:fixed;left:0;bottom:0"><button id=under>Under</button>
<div id=cover style="position:absolute;inset:0;background:#eee"></div></div>"""

REFLECT = """<h1>Reflect</h1><input id=secret> <p id=echo></p>
<script>const field = document.getElementById('secret'); field.addEventListener('input', () => {
  const word = field.value;
  document.getElementById('echo').textContent = 'echo ' + word;
  document.title = word; console.log('typed', word); history.replaceState(0, '', '?q=' + encodeURIComponent(word));
  fetch('/inside?token=' + encodeURIComponent(word));
});</script>"""

# The secret is shown once, cut in two by markup; the field itself is out of sight.
SPLIT = """<p style="font:40px monospace" id=split></p><input id=secret style="position:absolute;top:300px">
<script>const field = document.getElementById('secret'); field.addEventListener('input', () => {
  const word = field.value;
  document.getElementById('split').innerHTML = '<b>' + word.slice(0, 6) + '</b>' + word.slice(6);
});</script>
<div style="width:300px;height:100px;background:rgb(0,200,0)"></div>"""

GESTURES = """<p id=said>nothing</p><select id=size><option value=s>Small<option value=l>Large</select>
<button id=twice ondblclick="document.getElementById('said').textContent = 'twice'">Twice</button>
<button id=menu onmouseover="document.getElementById('said').textContent = 'over'">Menu</button>
<div id=box style="height:60px;overflow:auto"><div style="height:900px">Box</div></div>
<div style="height:3000px">Long</div>
<script>document.getElementById('box').onscroll = () => { document.getElementById('said').textContent =
  'box ' + document.getElementById('box').scrollTop };
onscroll = () => { document.getElementById('said').textContent = 'page ' + scrollY };</script>"""

BANNER = """<div id=banner style="position:fixed;inset:0;background:#eee"><button
  onclick="document.getElementById('banner').remove()">Accept</button></div>"""
BEHIND = """<button id=send onclick="document.getElementById('said').textContent = 'sent'">Send</button><p id=said></p>"""

# Shows what the browser held for it when its own script first looked, and how it is to be told from another page.
REMEMBERS = """<h1>Remembers</h1><p id=kept></p>
<script>document.getElementById('kept').textContent =
  [document.cookie, localStorage.word, sessionStorage.word].join(' ');</script>"""

# A button that is paint alone, 200 by 50 at 100, 50; what was clicked is told beside it.
PAINTED = """<canvas id=paint width=400 height=200 style="position:absolute;left:0;top:0"></canvas>
<p id=said style="position:absolute;top:220px"></p><input id=secret style="position:absolute;top:280px">
<p id=echo style="position:absolute;top:320px;font:40px monospace"></p>
<script>const pen = document.getElementById('paint').getContext('2d');
pen.fillStyle = '#28c'; pen.fillRect(100, 50, 200, 50);
document.getElementById('paint').onclick = ({offsetX: x, offsetY: y}) => {
  if (x > 100 && x < 300 && y > 50 && y < 100) document.getElementById('said').textContent += 'clicked '; };
document.getElementById('secret').oninput = event =>
  { document.getElementById('echo').textContent = event.target.value; };</script>"""

MODAL = """<button id=send onclick="document.getElementById('said').textContent = 'sent'">Send</button><p id=said></p>
<dialog id=notice><p>Good news!</p><input id=name></dialog>
<script>document.getElementById('notice').showModal()</script>"""

PAGES = {
    "/sign-out": "<p>Ada</p><button id=out class=plain>Sign out</button>",
    "/sign-out-and-log-out": "<p>Ada</p><button id=out class=plain>Log out</button><button>Sign out</button>",
    "/modal": MODAL,
    "/new-tab": "<a id=go href=/inside target=_blank>Go</a>",
    "/painted": PAINTED,
    "/placed": "<style>button {position: fixed; left: 101px; top: 50px; width: 199px; height: 50px}</style>"
    "<p id=said></p><button id=pay onclick=\"said.textContent = 'clicked'\">Pay</button>",
    "/banner": BEHIND + BANNER,
    "/late-banner": f"<div id=place></div>{BANNER}<script>addEventListener('click', () => "
    f"{{ document.getElementById('place').innerHTML = `{BEHIND}` }}, {{once: true}})</script>",
    "/gestures": GESTURES,
    "/split": SPLIT,
    "/form": FORM,
    "/parts": PARTS,
    "/reflect": REFLECT,
    "/form-with-another-send": "<button id=send>Delete everything</button><h1>Form</h1>"
    "<button id=r7 onclick=\"document.getElementById('said').textContent = 'sent'\">Send</button><p id=said></p>",
    "/asks": "<button id=ask onclick=\"fetch('/inside?asked', {method: 'POST'})\">Ask</button>",
    "/sends": "<button id=send onclick=\"fetch('/inside', {method: 'POST', body: new URLSearchParams("
    "{name: 'Ada', word: 's3cret/word'})})\">Send</button>",
    "/stays": "<button id=leave>Leave</button><script>addEventListener('beforeunload', event => event.preventDefault())"
    "</script>",
    "/twins": "<h1>Twins</h1><section aria-label=First>Alpha <button id=first-edit>Edit</button> one</section>"
    "<section aria-label=Second>Beta <button id=second-edit>Edit</button> two</section>",
    "/one-twin": "<h1>Twins</h1><section aria-label=First>Alpha <button id=first-edit>Edit</button> one</section>",
    "/kernels": "<h1>Launcher</h1><h2>Notebook</h2><button id=notebook>Python</button>"
    "<h2>Console</h2><button>Python</button><h2>Other</h2><p>Terminal</p>",
    "/kernels-one-moved": "<h1>Launcher</h1><h2>Notebook</h2>"
    "<h2>Console</h2><button>Python</button><h2>Other</h2><p>Terminal</p><button>Python</button>",
    "/tables": "<nav><a href=/empty>orders</a></nav><p>Tables</p><p>of the shop</p>"
    "<ul><li><a href=/inside>customers</a><li><a id=orders href=/empty>orders</a></ul><p>Help</p>",
    "/tables-renamed": "<nav><a href=/empty>orders</a></nav><p>Tables</p><p>of the shop</p>"
    "<ul><li><a href=/inside>customers</a></ul><div><li><a id=m1 href=/empty>orders</a></div><p>Help</p>",
    "/saves": "<p>This invoice</p><button id=save>Save</button><p>All invoices</p><button>Save…</button>",
    "/one-save": "<p>This invoice</p><p>All invoices</p><button>Save…</button>",
    "/framed": "<h1>Framed</h1><iframe id=frame src=/inner-button></iframe>",
    "/inner-button": "<button>Inner</button>",
    "/inside": "<title>Inside</title><p id=word>inside</p>",
    "/late": "<p>Late</p><script>setTimeout(() => { document.body.innerHTML += '<b id=late>now</b>' }, 300)</script>",
    "/elsewhere": "<script>location = new URLSearchParams(location.search).get('to')</script>",
    "/holds": "<iframe id=frame></iframe><script>document.getElementById('frame').src = "
    "new URLSearchParams(location.search).get('to')</script>",
    "/opens": "<button id=go>Go</button><script>document.getElementById('go').onclick = "
    "() => open(new URLSearchParams(location.search).get('to'))</script>",
    "/empty": "<p id=here>here</p>",
    "/remembers": REMEMBERS,
    "/leads-to-503": "<a id=go href=/status/503>Go</a>",
}


class LocalPages:
    """A running server: its address, and how often each path was asked for."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        routes = [
            Route("/status/{code:int}", self._status),
            Route("/redirect", self._redirect),
            Route("/file.csv", self._file),
            Route("/hang", self._hang),
            *canary_site.ROUTES,
            Route("/{path:path}", self._page),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="warning", ws="none", lifespan="off"
        )
        self.server = uvicorn.Server(config)

    @property
    def host_and_port(self) -> str:
        host, port = self.server.servers[0].sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    def url(self, path: str) -> str:
        return f"http://{self.host_and_port}{path}"

    async def _page(self, request: Request) -> Response:
        self.hits[request.url.path] += 1
        body = PAGES.get(request.url.path)
        return HTMLResponse(body or "nothing", status_code=200 if body else 404)

    async def _status(self, request: Request) -> Response:
        return HTMLResponse("no", status_code=request.path_params["code"], headers={"Retry-After": "7"})

    async def _redirect(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["to"])

    async def _file(self, request: Request) -> Response:
        headers = {"Content-Disposition": "attachment; filename=people.csv"}
        return Response("name,age\nAda,36\n", media_type="text/csv", headers=headers)

    async def _hang(self, request: Request) -> Response:
        self.hits["/hang"] += 1
        await request.receive()  # the request's own end
        await request.receive()  # comes when the client goes away
        return Response("late")


@contextmanager
def serving() -> Iterator[LocalPages]:
    pages = LocalPages()
    thread = threading.Thread(target=pages.server.run, daemon=True)
    thread.start()
    wait_until(lambda: pages.server.started, 10)
    try:
        yield pages
    finally:
        pages.server.force_exit = pages.server.should_exit = True
        thread.join(10)
