"""Log lines: a constant event name plus fields, scrubbed before they are written.

    log = structlog.get_logger(__name__)
    log.info("attempt_claimed", worker=name)

Fields bound with `structlog.contextvars.bound_contextvars(request_id=…)` or by `infra_shared.log_context` (run, attempt,
step) appear on every line below. Lines of Django, uvicorn and django-q take the same way out: JSON in production,
readable in development.
"""

from __future__ import annotations

import logging.config
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from infra_shared.log_context import bound_now
from infra_shared.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from structlog.typing import EventDict, Processor, WrappedLogger

    from infra_shared.redaction import Redactor

# They bring handlers of their own, or get them from Django's default configuration.
_REROUTED = ("django", "django.server", "uvicorn", "uvicorn.access", "uvicorn.error", "django-q")
# What they say of a sign-in, infra_shared.sign_in says with the address.
_TOLD_BY_US = ("axes",)
# Set by this library or structlog itself: never a secret, and not a text to search.
_OWN_KEYS = frozenset({"timestamp", "level", "logger", "_record", "_from_structlog"})

_known_secrets: list[Redactor] = []
_listeners: list[Callable[[Mapping[str, Any]], None]] = []


def configure_from_settings(config: Mapping[str, Any]) -> None:
    """Configure logging from Django's `LOGGING` setting: `{"level": …, "json": …}`."""
    configure_logging(level=config["level"], json=config["json"])


def configure_logging(*, level: str, json: bool) -> None:
    """Send every log line of this process to standard error, as JSON or readable, scrubbed; uncaught errors too."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        # A line that an automation wrote a moment ago, in the browser's thread, brings its own time.
        structlog.processors.MaybeTimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _without_request,
        structlog.processors.StackInfoRenderer(),
        # Before scrubbing, so that tracebacks are scrubbed as well.
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    _configure_standard_library(level.upper(), shared, renderer)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _log_what_nobody_catches()


@contextmanager
def hiding_in_logs(redactor: Redactor) -> Iterator[None]:
    """While the block runs, the redactor's secrets are taken out of every log line of this process.

    The whole process and not the current context: the browser's loop and storage threads log for the same attempt.
    """
    _known_secrets.append(redactor)
    try:
        yield
    finally:
        _known_secrets.remove(redactor)


@contextmanager
def listening_to_lines(take: Callable[[Mapping[str, Any]], None]) -> Iterator[None]:
    """While the block runs, `take` is given every line of this process that is written, scrubbed, as a mapping.

    It is called by the thread that logs, which waits: it must be quick, must not log, and must not raise.
    """
    _listeners.append(take)
    try:
        yield
    finally:
        _listeners.remove(take)


def _configure_standard_library(level: str, shared: list[Processor], renderer: Processor) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        _scrub_line,
                        _tell_listeners,
                        renderer,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "loggers": {name: {"level": "ERROR"} for name in _TOLD_BY_US},
            "root": {"handlers": ["stderr"], "level": level},
        }
    )
    for name in _REROUTED:
        logger = logging.getLogger(name)
        if _switched_off(logger):
            continue
        logger.handlers.clear()
        logger.propagate = True


def _log_what_nobody_catches() -> None:
    """Have an error that ends the process, or a thread, told as a line: Python's own words are not scrubbed.

    A hook that somebody else put in place stays.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _tell_uncaught_in_thread


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None, *, thread: str | None = None
) -> None:
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, trace)  # somebody pressed Ctrl-C
        return
    where = {"thread": thread} if thread is not None else {}
    structlog.get_logger(__name__).critical("uncaught_error", exc_info=(kind, error, trace), **where)


def _tell_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "?"
        _tell_uncaught(args.exc_type, args.exc_value, args.exc_traceback, thread=name)


def _switched_off(logger: logging.Logger) -> bool:
    """Whether its owner silenced it: `uvicorn --no-access-log` takes the handlers away and stops propagation."""
    return not logger.handlers and not logger.propagate


def _without_request(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Without the request that Django adds to its lines: written out it shows the query, with whatever that holds."""
    request = line.pop("request", None)
    if request is not None and not isinstance(request, str):
        line["method"] = getattr(request, "method", None)
        line["path"] = getattr(request, "path", None)
    return line


def _with_context(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """With what is bound for this thread, task or process; a line's own fields stay as they are."""
    for name, value in bound_now().items():
        line.setdefault(name, value)
    return line


def _scrub_line(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """The last processor before rendering: nothing is added to a line after it."""
    clean: EventDict = {}
    for key, value in line.items():
        clean[key] = value if key in _OWN_KEYS else scrub({key: value})[key]
    for redactor in tuple(_known_secrets):
        clean = redactor.json(clean)
    return clean


def _tell_listeners(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Give who listens what is about to be written."""
    for take in tuple(_listeners):
        take(dict(line))
    return line
