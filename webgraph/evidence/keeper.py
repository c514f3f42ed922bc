"""Decides what is kept when, and sees to it that evidence never fails a run."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import utc_now
from webgraph.evidence.camera import Camera
from webgraph.evidence.logs import ConsoleLog, RequestLog
from webgraph.evidence.trace import clean_trace
from webgraph.failures import first_line
from webgraph.limits import Limits
from webgraph.recorder import ArtifactKind, Evidence, EvidenceGap, EvidenceLevel
from webgraph.rejected import as_json_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.async_api import BrowserContext

    from webgraph.browser.gateway.verdicts import Verdicts
    from webgraph.evidence.scrub import Scrub
    from webgraph.journal import Journal
    from webgraph.surface import Surface

Capture = Callable[[], Awaitable[bytes]]

# Far above what a capture takes, so that a busy machine costs no evidence; a browser that hangs costs it once.
_CAPTURE_SECONDS = 8.0
_TRACE_SECONDS = 15.0
_MOST_TRACE_BYTES = 256 * 1024 * 1024

_CONTENT_TYPES = {
    ArtifactKind.STEP_PICTURE: ("jpg", "image/jpeg"),
    ArtifactKind.STEP_HTML: ("html", "text/html; charset=utf-8"),
    ArtifactKind.STEP_BEFORE: ("jpg", "image/jpeg"),
    ArtifactKind.STEP_AXTREE: ("yaml", "text/yaml; charset=utf-8"),
    ArtifactKind.FAILURE_PICTURE: ("png", "image/png"),
    ArtifactKind.FAILURE_HTML: ("html", "text/html; charset=utf-8"),
    ArtifactKind.FAILURE_AXTREE: ("yaml", "text/yaml; charset=utf-8"),
    ArtifactKind.TRACE: ("zip", "application/zip"),
    ArtifactKind.REQUEST_LOG: ("jsonl", "application/x-ndjson"),
    ArtifactKind.CONSOLE_LOG: ("jsonl", "application/x-ndjson"),
    ArtifactKind.STAGE_STATE: ("json", "application/json"),
    ArtifactKind.REJECTED_ROWS: ("jsonl", "application/x-ndjson"),
}


def _bounded_trace(path: Path) -> bytes:
    """The archive, no longer in the folder; ValueError when it unpacks to more than can be looked through."""
    with zipfile.ZipFile(path) as archive:
        unpacked_bytes = sum(member.file_size for member in archive.infolist())
    body = b"" if unpacked_bytes > _MOST_TRACE_BYTES else path.read_bytes()
    path.unlink()
    if not body:
        msg = f"it unpacks to {unpacked_bytes:,} bytes; up to {_MOST_TRACE_BYTES:,} are kept"
        raise ValueError(msg)
    return body


async def _can_be_seen(surface: Surface, *, failed: bool) -> None:
    """Give a page the time to arrive, and one that hangs after a failed step an end to its scripts."""
    if failed:
        await surface.hush_if_stuck()
    if surface.ended is None:  # else nothing more of it comes
        await surface.loaded()


@dataclass(slots=True)
class _Shot:
    """What was captured after one step; empty where it was not to be had."""

    surface: Surface | None = None
    html: bytes = b""
    picture: bytes = b""


class EvidenceKeeper:
    """Captures for one attempt. Every capture has its own time limit; what is missing becomes an EvidenceGap."""

    def __init__(
        self,
        *,
        level: EvidenceLevel,
        journal: Journal,
        scrub: Scrub,
        scratch: Path,
        cover_media: bool = True,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._journal = journal
        self._scrub = scrub
        self.scratch = scratch
        self._keeps_all = level is not EvidenceLevel.OFF
        self._keeps_most = level is EvidenceLevel.FULL
        self.camera = Camera(scrub, cover_media=cover_media)
        self.camera.limits = self._limits
        self._last = _Shot()
        self._pending: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        self._tracing = False
        self.console = ConsoleLog(self._limits.log_lines)
        self._requests = RequestLog(
            self._limits.log_lines, bodies_through=scrub.redactor if self._keeps_most else None
        )

    async def begin(self, context: BrowserContext, verdicts: Verdicts) -> None:
        """Start what runs along: the logs and the DOM-snapshot trace. The verdicts say what could not be reached."""
        if not self._keeps_all:
            return
        self._requests.attach(context, verdicts)
        self.console.attach(context)
        try:
            await context.tracing.start(snapshots=True, screenshots=False)
        except PlaywrightError as error:
            self._gap(ArtifactKind.TRACE, first_line(error), None, "")
        else:
            self._tracing = True

    def secret_was_typed(self, surface: Surface, *urls: str) -> None:
        """From here on pictures are searched for secrets and masked, and those that the window's sites show covered.

        Of all its frames, whichever the field is in: what one of them knows it may tell the others. `urls` are addresses
        that were told it beside them.
        """
        self.camera.secret_was_typed([*(frame.url for frame in surface.page.frames), *urls])

    def after_step(
        self, surface: Surface, *, index: int, stage: str, only_looked: bool = False, failed: bool = False
    ) -> None:
        """Capture the page after a step, while the next step is being recorded and its target looked for.

        After a step that only looked the last picture is given again when the document is still the same. After one
        that failed, the scripts of a page that answers nothing are stopped, so that it can be seen.
        """
        if self._keeps_all:
            before = self._pending
            self._pending = asyncio.ensure_future(
                self._capture_step(
                    surface, index, stage, after=before, only_looked=only_looked, failed=failed
                )
            )

    async def settled(self) -> None:
        """Wait until the page was captured; called before anything acts on it again."""
        if self._pending is not None:
            # Shielded: a stopped attempt still gets the picture of its last whole step.
            await asyncio.shield(self._pending)
            self._pending = None

    async def before_act(self, surface: Surface, *, index: int, stage: str) -> None:
        """Wait for what is still being captured, and at the full level capture the page as the act finds it."""
        await self.settled()
        if self._keeps_most:
            name = f"step-{index:03}-before"
            await self._keep(
                ArtifactKind.STEP_BEFORE,
                name,
                partial(self.camera.jpeg, surface),
                index=index,
                stage=stage,
            )

    async def failure(self, surface: Surface, *, index: int | None, stage: str) -> None:
        """Capture the decisive moment, at every level."""
        await self.settled()
        await surface.stop_loading()
        await surface.hush_if_stuck()
        await asyncio.gather(
            *(
                self._keep(kind, "failure", partial(take, surface), index=index, stage=stage)
                for kind, take in (
                    (ArtifactKind.FAILURE_PICTURE, self.camera.png),
                    (ArtifactKind.FAILURE_HTML, self.camera.html),
                    (ArtifactKind.FAILURE_AXTREE, self.camera.accessibility_tree),
                )
            )
        )

    def rejected(self, rows: Sequence[dict[str, Any]], *, stage: str) -> None:
        """Keep the rows of a result that did not fit, at every level."""
        self._put(
            ArtifactKind.REJECTED_ROWS, "rejected", as_json_lines(rows, self._scrub.redactor), None, stage
        )

    async def download(self, name: str, path: Path, *, index: int, stage: str) -> None:
        """Keep a downloaded file as it is: one that holds a secret must not be altered, but kept from being read."""
        if not self._keeps_all:
            return

        async def read() -> bytes:
            size = (await asyncio.to_thread(path.stat)).st_size
            if size > self._limits.download_bytes:
                raise self._limits.download()
            return await asyncio.to_thread(path.read_bytes)

        await self._keep(ArtifactKind.DOWNLOAD, self._scrub.text(name), read, index=index, stage=stage)

    def stage_state(self, state: dict[str, Any], *, position: int, stage: str) -> None:
        """Keep the state of a finished stage."""
        if self._keeps_all and state:
            body = json.dumps(self._scrub.json(state), ensure_ascii=False, indent=1).encode()
            self._put(ArtifactKind.STAGE_STATE, f"stage-{position:02}-{stage}", body, None, stage)

    def no_checkpoint(self, error: Exception, *, stage: str) -> None:
        """Keep that a finished stage left nothing to go on after, and why."""
        reason = f"There is no checkpoint of it: {type(error).__name__}: {first_line(error)}"
        self._gap(ArtifactKind.STAGE_STATE, reason, None, stage)

    async def finish(self, context: BrowserContext) -> None:
        """Keep what ran along. The context must still be open; it may close while the trace is cleaned (`finished`)."""
        await self.settled()
        if not self._keeps_all:
            return
        if self._tracing:
            stop = partial(self._stopped_trace, context)
            plain = await self._taken(ArtifactKind.TRACE, stop, seconds=_TRACE_SECONDS)
            if plain is not None:
                clean = partial(
                    asyncio.to_thread, clean_trace, plain, self._scrub.redactor, self.camera.media
                )
                kept = self._keep(ArtifactKind.TRACE, "trace", clean, seconds=_TRACE_SECONDS)
                self._cleaning = asyncio.ensure_future(kept)
        await self._keep(ArtifactKind.REQUEST_LOG, "requests", self._request_log)
        console = self.console.body(self._scrub.redactor)
        if console:
            self._put(ArtifactKind.CONSOLE_LOG, "console", console, None, "")

    async def finished(self) -> None:
        """Wait until everything is kept."""
        if self._cleaning is not None:
            await self._cleaning

    async def _capture_step(
        self,
        surface: Surface,
        index: int,
        stage: str,
        *,
        after: asyncio.Task[None] | None,
        only_looked: bool,
        failed: bool,
    ) -> None:
        if after is not None:
            await after
        await _can_be_seen(surface, failed=failed)
        name, shot, last = f"step-{index:03}", _Shot(), self._last

        async def html() -> bytes:
            shot.html = await self.camera.html(surface)
            return shot.html

        async def picture() -> bytes:
            same = only_looked and bool(shot.html) and (shot.html, surface) == (last.html, last.surface)
            shot.picture = last.picture if same and last.picture else await self.camera.jpeg(surface)
            return shot.picture

        shot.surface = surface
        work = [
            self._keep(ArtifactKind.STEP_HTML, name, html, index=index, stage=stage),
            self._keep(
                ArtifactKind.STEP_PICTURE,
                name,
                picture,
                index=index,
                stage=stage,
            ),
        ]
        if self._keeps_most:
            work.append(
                self._keep(
                    ArtifactKind.STEP_AXTREE,
                    name,
                    partial(self.camera.accessibility_tree, surface),
                    index=index,
                    stage=stage,
                )
            )
        if only_looked:  # the document decides whether a picture is needed at all
            for item in work:
                await item
        else:
            await asyncio.gather(*work)
        self._last = shot

    async def _request_log(self) -> bytes:
        await self._requests.settled()
        self._requests.add_refusals()
        return self._requests.body(self._scrub.redactor)

    async def _stopped_trace(self, context: BrowserContext) -> bytes:
        path = self.scratch / "trace.zip"
        await context.tracing.stop(path=path)
        return await asyncio.to_thread(_bounded_trace, path)

    async def _keep(
        self,
        kind: ArtifactKind,
        name: str,
        take: Capture,
        *,
        index: int | None = None,
        stage: str = "",
        seconds: float = _CAPTURE_SECONDS,
    ) -> None:
        body = await self._taken(kind, take, index=index, stage=stage, seconds=seconds)
        if body is not None:
            self._put(kind, name, body, index, stage)

    async def _taken(
        self,
        kind: ArtifactKind,
        take: Capture,
        *,
        index: int | None = None,
        stage: str = "",
        seconds: float = _CAPTURE_SECONDS,
    ) -> bytes | None:
        """What a capture gives; None where that is nothing, and the gap says why."""
        try:
            async with asyncio.timeout(seconds):
                return await take()
        except TimeoutError:
            self._gap(kind, f"It was not ready within {seconds:.0f} s.", index, stage)
        except Exception as error:  # noqa: BLE001 - whatever it was: evidence never fails a run, the gap says why
            self._gap(kind, f"{type(error).__name__}: {first_line(error)}", index, stage)
        return None

    def _put(self, kind: ArtifactKind, name: str, body: bytes, index: int | None, stage: str) -> None:
        ending, content_type = _CONTENT_TYPES.get(kind, ("", "application/octet-stream"))
        self._journal.evidence(
            Evidence(
                kind=kind,
                name=f"{name}.{ending}" if ending else name,
                content_type=content_type,
                body=body,
                captured_at=utc_now(),
                step_index=index,
                stage=stage,
            )
        )

    def _gap(self, kind: ArtifactKind, reason: str, index: int | None, stage: str) -> None:
        self._journal.gap(
            EvidenceGap(
                kind=kind,
                reason=self._scrub.text(reason),
                captured_at=utc_now(),
                step_index=index,
                stage=stage,
            )
        )
