"""A site that reflects what is typed into it in every place where evidence might pick it up."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image, ImageDraw, ImageFont
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

# What a script may know of a field is what a site may do with it: once typed, the word is everywhere.
PAGE = """<!doctype html><title>Canary</title>
<style>body {margin: 8px; font: 24px monospace} img, canvas, svg, .back {display: block; width: 760px; height: 40px}
#shown::after {content: attr(data-word)}</style>
<input id=secret autocomplete=off> <p id=plain></p> <p id=cut></p> <p id=shown></p> <p id=forms style="font-size: 9px"></p>
<canvas id=paint width=760 height=40></canvas> <img id=made> <img id=sent> <div id=back class=back></div>
<svg id=drawn viewBox="0 0 760 40"><text x=0 y=30 font-size=28></text></svg>
<a id=file>File</a> <a id=archive>Archive</a>
<script>
const at = id => document.getElementById(id);
const bytes = word => String.fromCharCode(...new TextEncoder().encode(word));
const said = word => { const hidden = document.createElement('p'); hidden.textContent = word; return hidden.innerHTML; };
const paint = word => { const canvas = at('paint'), pen = canvas.getContext('2d');
  pen.fillStyle = '#fff'; pen.fillRect(0, 0, 760, 40); pen.fillStyle = '#000'; pen.font = '28px monospace';
  pen.fillText(word, 0, 30); return canvas.toDataURL(); };
const reflect = async word => {
  const half = Math.ceil(word.length / 2), known = encodeURIComponent(word);
  at('plain').textContent = word; at('plain').title = word; at('shown').dataset.word = word;
  at('cut').replaceChildren(document.createElement('b'), word.slice(half));
  at('cut').firstChild.textContent = word.slice(0, half);
  at('forms').textContent = [known, JSON.stringify(word), JSON.stringify(JSON.stringify(word)), said(word),
    ...['', 'x', 'xy'].map(before => btoa(before + bytes(word) + '!'))].join(' | ');
  at('made').src = paint(word); at('sent').src = '/picture?word=' + known;
  at('back').style.backgroundImage = `url(/picture?back&word=${known})`;
  at('drawn').firstElementChild.textContent = word;
  at('file').href = '/file?word=' + known; at('archive').href = '/archive?word=' + known;
  document.title = word; document.cookie = 'word=' + known; localStorage.word = word;
  history.replaceState(0, '', '?q=' + known + '#' + known);
  console.log('typed', word, {word}, btoa(bytes(word)));
  setTimeout(() => { throw new Error('thrown ' + word) });
  await fetch('/echo?token=' + known, {method: 'POST', headers: {'X-Word': known, 'Authorization': 'Bearer ' + known},
    body: JSON.stringify({word})}).then(answer => answer.text());
  await fetch('/packed?word=' + known).then(answer => answer.arrayBuffer());
  await Promise.all([at('sent'), at('made')].map(image => image.decode().catch(() => null)));
  document.body.dataset.done = 'yes';
};
at('secret').addEventListener('input', () => reflect(at('secret').value));
</script>"""


def picture_of(word: str) -> bytes:
    """A picture in which the word can be read."""
    image = Image.new("RGB", (760, 40), "white")
    ImageDraw.Draw(image).text((4, 4), word, fill="black", font=ImageFont.load_default(28))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def zipped(body: bytes, name: str) -> bytes:
    """An archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _echo(request: Request) -> Response:
    word = request.query_params["token"]
    forms = [quote(word, safe=""), html.escape(word), json.dumps(word)]
    forms += [base64.b64encode(b"x" * n + word.encode()).decode() for n in range(3)]
    answer = JSONResponse({"word": word, "forms": forms})
    answer.headers["X-Word"] = quote(word)
    answer.headers.append("Set-Cookie", f"sid={quote(word)}; Path=/")
    answer.headers.append("Set-Cookie", "session=cookie-value-4711; Path=/; HttpOnly")
    return answer


async def _packed(request: Request) -> Response:
    return Response(
        gzip.compress(" ".join([request.query_params["word"]] * 3).encode()),
        media_type="application/octet-stream",
    )


async def _picture(request: Request) -> Response:
    return Response(picture_of(request.query_params["word"]), media_type="image/png")


async def _file(request: Request) -> Response:
    headers = {"Content-Disposition": "attachment; filename=statement.csv"}
    return Response(f"account,{request.query_params['word']}\n", media_type="text/csv", headers=headers)


async def _archive(request: Request) -> Response:
    inner = zipped(f"account {request.query_params['word']}\n".encode(), "statement.txt")
    headers = {"Content-Disposition": "attachment; filename=statements.zip"}
    return Response(zipped(inner, "inner.zip"), media_type="application/zip", headers=headers)


ROUTES = [
    Route("/canary", _page),
    Route("/echo", _echo, methods=["POST"]),
    Route("/packed", _packed),
    Route("/picture", _picture),
    Route("/file", _file),
    Route("/archive", _archive),
]
